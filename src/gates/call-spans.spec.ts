import { notFound } from '../failure.js';
import type { Span } from '../messaging/spans.js';
import type { Asked } from './asked.js';
import { CallSpans } from './call-spans.js';

const ID = '019a5d0e-7c31-7000-8000-1b9a7d6c5e2f';
const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const call = (trace?: string) =>
  ({ id: ID, trace, operation: { name: 'orders.get' }, by: { name: 'shop' }, command: {} }) as unknown as Asked<object>;

describe('the span of a call', () => {
  let told: Span[];
  const spans = (share = 1) => new CallSpans((span) => told.push(span), share);
  beforeEach(() => (told = []));

  it('is of the trace the call came with, and what the call causes is within it', () => {
    const all = spans();
    const asked = all.begin(call(PARENT), 'rest');
    expect(asked.trace).toBe(`00-${'a'.repeat(32)}-80001b9a7d6c5e2f-01`);
    all.ended(asked, {});
    expect(told).toMatchObject([{ name: 'orders.get', kind: 'server', parent: PARENT, self: asked.trace }]);
    expect(told[0]).toMatchObject({ failed: undefined, attributes: { 'sanmon.gate': 'rest' } });
  });

  it('begins a trace that bears its id where it came with none, for the share that is kept', () => {
    const id = ID.replaceAll('-', '');
    expect(spans(1).begin(call()).trace).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-01$`));
    const none = spans(0);
    const asked = none.begin(call());
    expect(asked.trace).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-00$`));
    none.ended(asked, {});
    expect(told).toEqual([]);
  });

  it('is not told where its caller does not want it, whatever the share', async () => {
    const all = spans(1);
    const asked = all.begin(call(PARENT.replace(/1$/, '0')));
    all.follow(asked, Promise.resolve({ outcome: {}, replayed: false }));
    await Promise.resolve();
    expect(told).toEqual([]);
  });

  it('names the reason of a refusal and of a failure, and is told once', async () => {
    const all = spans();
    const asked = all.begin(call());
    all.follow(asked, Promise.resolve({ outcome: notFound('order', 'ord_1'), replayed: false }));
    await new Promise(setImmediate);
    all.ended(asked, {});
    expect(told.map(({ failed }) => failed)).toEqual(['order-not-found']);
    all.follow(all.begin(call()), Promise.reject(new Error('a bug')));
    await new Promise(setImmediate);
    expect(told.map(({ failed }) => failed)).toEqual(['order-not-found', 'internal']);
  });

  describe('that admission refused', () => {
    const refusal = { operation: 'orders.get', gate: 'rest', principal: 'nobody', code: 'unauthenticated' };

    it('is of the trace it came with, or of one of its own for the share that is kept', () => {
      spans(0).refused({ ...refusal, traceparent: PARENT });
      spans(1).refused({ ...refusal, traceparent: undefined });
      expect(told).toMatchObject([
        { name: 'orders.get', kind: 'server', parent: PARENT, failed: 'unauthenticated' },
        { name: 'orders.get', parent: undefined, attributes: { 'sanmon.gate': 'rest', 'enduser.id': 'nobody' } },
      ]);
      expect(told[0]!.self.slice(3, 35)).toBe('a'.repeat(32));
    });

    it('is not told where its caller does not want it, or it is not of the share', () => {
      spans(1).refused({ ...refusal, traceparent: PARENT.replace(/1$/, '0') });
      spans(0).refused({ ...refusal, traceparent: 'nonsense' });
      expect(told).toEqual([]);
    });

    it('is told a hundred times a second at most, whoever asks', () => {
      const now = jest.spyOn(performance, 'now').mockReturnValue(5_000);
      const all = spans(1);
      for (let i = 0; i < 250; i++) all.refused({ ...refusal, traceparent: i % 2 ? PARENT : undefined });
      expect(told).toHaveLength(100);
      now.mockReturnValue(6_000);
      all.refused({ ...refusal, traceparent: PARENT });
      expect(told).toHaveLength(101);
      now.mockRestore();
    });
  });
});
