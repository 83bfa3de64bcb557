import type { Span } from '../../messaging/spans.js';
import { questionOf } from './question.js';

const trace = (letter: string, sampled = 1): string => `00-${letter.repeat(32)}-${letter.repeat(16)}-0${sampled}`;

describe('a question for prices', () => {
  let told: Span[];
  beforeEach(() => (told = []));
  const question = (...traces: (string | undefined)[]) =>
    questionOf(
      traces.map((one) => ({ trace: one })),
      3,
      (span) => told.push(span),
    );

  it('is told in the trace of every call that waits for it and is kept, and goes on within the first', () => {
    const asked = question(undefined, trace('a'), trace('b', 0), trace('c'))!;
    asked.ended();
    expect(told).toMatchObject([
      { name: 'ask inventory.quote-items', kind: 'client', parent: trace('a'), self: asked.traceparent },
      { name: 'ask inventory.quote-items', kind: 'client', parent: trace('c') },
    ]);
    expect(told[0]).toMatchObject({ failed: undefined, attributes: { 'sanmon.skus': 3, 'sanmon.calls': 4 } });
  });

  it('says why there was no answer', () => {
    question(trace('a'))!.ended('DEADLINE_EXCEEDED');
    expect(told).toMatchObject([{ failed: 'DEADLINE_EXCEEDED' }]);
  });

  it('has no spans where nobody wants one', () => {
    expect(question(undefined, trace('a', 0))).toBeUndefined();
  });
});
