import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Message } from './message.js';
import { Attempt, nameOfError, type Span } from './spans.js';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const ID = '019a5d0e-7c31-7000-8000-1b9a7d6c5e2f';
const message = (key: string, trace?: string): Message => ({ id: ID, type: 'beta.note', key, body: {}, trace });

/** A transaction that is committed when it is told to. */
const transaction = () => {
  const hints: (() => void)[] = [];
  return { tx: { afterCommit: (hint: () => void) => hints.push(hint) } as unknown as Tx, hints };
};

describe('an attempt to handle messages', () => {
  let told: Span[];
  beforeEach(() => (told = []));
  const attemptAt = (...given: Message[]) => new Attempt(given, 'beta', (span) => told.push(span));

  it('is told once it is committed, each of a set with what it came to', () => {
    const { tx, hints } = transaction();
    const attempt = attemptAt(message('one', TRACE), message('two', TRACE));
    attempt.ended(tx, [undefined, 'not-now']);
    expect(told).toEqual([]);
    hints.forEach((hint) => hint());
    const [one, two] = attempt.set;
    expect(told).toMatchObject([
      { name: 'handle beta.note', kind: 'consumer', parent: TRACE, self: one!.trace, failed: undefined },
      { name: 'handle beta.note', kind: 'consumer', parent: TRACE, self: two!.trace, failed: 'not-now' },
    ]);
    expect(one!.trace).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-01$`));
    expect(new Set([TRACE, one!.trace, two!.trace]).size).toBe(3);
  });

  it('leaves alone what nobody traces', () => {
    const { tx, hints } = transaction();
    const given = [message('one'), message('two', TRACE.replace(/1$/, '0'))];
    const attempt = attemptAt(...given);
    attempt.ended(tx, []);
    expect([attempt.set, hints]).toEqual([given, []]);
  });
});

it.each([
  [new Failure('invalid', 'unknown-type', 'No.'), 'unknown-type'],
  [Object.assign(new Error('duplicate key ada@example.com'), { code: '23505' }), '23505'],
  [new TypeError('cannot read ada@example.com'), 'TypeError'],
  ['ada@example.com', 'thrown'],
  [undefined, 'thrown'],
])('a span names what was thrown, and never says what stands in it: %s', (error, name) => {
  expect(nameOfError(error)).toBe(name);
});
