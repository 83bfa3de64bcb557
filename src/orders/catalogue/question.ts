import { spanTime, type TellSpan } from '../../messaging/spans.js';
import { hop, isSampled } from '../../messaging/trace.js';
import { uuidv7 } from '../../uuid.js';
import type { Cause } from './catalogue.js';

/** The spans of one question for prices. */
export interface Question {
  /** Goes with the question: what inventory tells of it is within the first of its spans. */
  traceparent: string;
  /** Tells the spans. `failed`: why there was no answer. */
  ended(failed?: string): void;
}

/**
 * A question is one for a whole set, and all calls of the set wait for it: so each whose trace is kept has a span as long as
 * that. Undefined where none is kept.
 */
export function questionOf(causes: readonly Cause[], skus: number, tell: TellSpan): Question | undefined {
  const parents = causes.map(({ trace }) => trace).filter(isSampled);
  const spans = parents.map((parent) => ({ parent, self: hop(parent, uuidv7()) }));
  const [first] = spans;
  if (!first) return undefined;
  const attributes = { 'sanmon.skus': skus, 'sanmon.calls': causes.length };
  const span = { name: 'ask inventory.quote-items', kind: 'client', began: spanTime(), attributes } as const;
  return {
    traceparent: first.self,
    ended: (failed) => {
      for (const { parent, self } of spans) tell({ ...span, parent, self, failed });
    },
  };
}
