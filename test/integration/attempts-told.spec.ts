import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { Failure } from '../../src/failure.js';
import type { Handle } from '../../src/messaging/handlers.js';
import type { Span } from '../../src/messaging/spans.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';
import { aKey, logging, ToyHouse } from '../support/toy-house.js';

const database = useDatabase();
let house: ToyHouse;
let told: Span[];
let trace: string;
beforeAll(() => ToyHouse.tables(database.url));
beforeEach(() => {
  told = [];
  trace = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
});
afterEach(async () => {
  jest.restoreAllMocks();
  await house.close();
});

const open = async (handle: Handle): Promise<void> => {
  const tell = (span: Span): void => void told.push(span);
  house = await ToyHouse.open(database.url, undefined, { beta: { 'beta.note': handle } }, undefined, tell);
};
/** Everything is stored first, so that the lanes handle it. */
const stored = (): void =>
  void jest.spyOn(house.traffic.of('beta').intake, 'handle').mockRejectedValue(new Error('stored instead'));

/** What was told of the attempts at one key: why each failed. */
const attemptsAt = (key: string) =>
  told
    .filter(
      ({ name, attributes }) => name === 'handle beta.note' && attributes['messaging.message.conversation_id'] === key,
    )
    .map(({ failed }) => failed ?? 'done');

it('a message that needed three attempts has three spans, and its neighbour one', async () => {
  const [key, neighbour] = [aKey(), aKey()];
  let alone = 0;
  await open(async (messages, reception) => {
    // With its neighbour it is not judged: both are then tried by themselves.
    if (messages.some((one) => one.key === key) && (messages.length > 1 || ++alone <= 2))
      throw new RangeError('not yet');
    return logging()(messages, reception);
  });
  stored();
  await house.send(
    [key, neighbour].map((one) => ({ key: one, n: 1 })),
    trace,
  );
  await eventually(() => expect(attemptsAt(key)).toEqual(['RangeError', 'RangeError', 'done']), { within: 10_000 });
  expect(attemptsAt(neighbour)).toEqual(['done']);
  const spans = told.filter(({ name }) => name.startsWith('handle'));
  expect(new Set(spans.map(({ self }) => self)).size).toBe(4);
  const sent = told.filter(({ name }) => name === 'send beta.note').map(({ self }) => self);
  for (const { parent, kind } of spans) expect([sent.includes(parent!), kind]).toEqual([true, 'consumer']);
});

it.each(['intake', 'lanes'])(
  'a message that is refused in %s has a span with the reason, its neighbour another',
  async (where) => {
    const said = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const [key, neighbour] = [aKey(), aKey()];
    await open(async (messages, reception) => {
      await logging()(messages, reception);
      return messages.map((one) => (one.key === key ? new Failure('conflict', 'never', 'Never.') : undefined));
    });
    if (where === 'lanes') {
      stored();
    }
    await house.send(
      [key, neighbour].map((one) => ({ key: one, n: 1 })),
      trace,
    );
    await eventually(() => expect([attemptsAt(key), attemptsAt(neighbour)]).toEqual([['never'], ['done']]));
    expect(said).toHaveBeenCalledWith(expect.stringContaining(`parked beta.note of ${key}`), {
      trace: trace.slice(3, 35),
      messageId: expect.stringMatching(/^msg_/) as string,
      key,
    });
  },
);

it('a message of a type that nobody handles has a span that says so', async () => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  const key = aKey();
  house = await ToyHouse.open(database.url, undefined, { beta: {} }, undefined, (span) => told.push(span));
  await house.send([{ key, n: 1 }], trace);
  await eventually(() => expect(attemptsAt(key)).toEqual(['unknown-type']));
});
