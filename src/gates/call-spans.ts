import { Failure } from '../failure.js';
import { type Span, spanTime, type TellSpan } from '../messaging/spans.js';
import { hop, isSampled, traceFor } from '../messaging/trace.js';
import type { Answer, Asked } from './asked.js';
import type { Gate } from './calls.js';
import { asFailure } from './failures.js';

/** The spans of calls: each begins when it is admitted, and what the call causes is within it. */
export class CallSpans {
  private readonly begun = new WeakMap<object, Pick<Span, 'parent' | 'began'> & { gate: string }>();

  /** `share`: of the calls that bring no trace, how many are kept, from 0 to 1. */
  constructor(
    readonly tell: TellSpan,
    private readonly share: number,
  ) {}

  /** The call within a span of its own: of the trace it came with, else of one that bears its id. */
  begin<C extends object>(asked: Asked<C>, gate: Gate | 'a gate' = 'a gate'): Asked<C> {
    const { id, trace: parent } = asked;
    const trace = parent ? hop(parent, id) : traceFor(id, Math.random() < this.share);
    const own = { ...asked, trace };
    if (isSampled(trace)) this.begun.set(own, { parent, began: spanTime(), gate });
    return own;
  }

  /** Tells the span of a call once it is answered. */
  follow(asked: Asked<object>, answer: Promise<Answer<unknown>>): void {
    if (!this.begun.has(asked)) return;
    answer.then(
      ({ outcome }) => this.ended(asked, outcome),
      (error: unknown) => this.ended(asked, asFailure(error)),
    );
  }

  /** Tells the span of a call that came to this. */
  ended(asked: Asked<object>, outcome: unknown): void {
    const known = this.begun.get(asked);
    if (!known) return;
    this.begun.delete(asked);
    const { gate, ...span } = known;
    const { operation, by, trace: self } = asked;
    const attributes = { 'sanmon.gate': gate, 'sanmon.operation': operation.name, 'enduser.id': by.name };
    const failed = outcome instanceof Failure ? outcome.code : undefined;
    this.tell({ ...span, name: operation.name, kind: 'server', self: self!, failed, attributes });
  }
}
