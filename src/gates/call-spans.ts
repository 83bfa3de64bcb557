import { Failure } from '../failure.js';
import { type Span, spanTime, type TellSpan } from '../messaging/spans.js';
import { hop, isSampled, traceFor, traceOf } from '../messaging/trace.js';
import { uuidv7 } from '../uuid.js';
import type { Asked } from './asked.js';
import type { Gate } from './calls.js';
import { asFailure } from './failures.js';

/** What of a call its span tells. */
type Told = Pick<Asked<object>, 'id' | 'by' | 'trace'> & { operation: { name: string } };

/** A call that admission refused. */
export interface RefusedCall {
  operation: string;
  gate: string;
  principal: string;
  /** As it came. */
  traceparent: unknown;
  code: string;
}

/** Anybody can be refused as often as he likes: so many a second are told, and a flood is not worth more. */
const REFUSED_A_SECOND = 100;

/** The spans of calls: each begins when it is admitted, and what the call causes is within it. */
export class CallSpans {
  private readonly begun = new WeakMap<object, Pick<Span, 'parent' | 'began'> & { gate: string }>();
  private readonly refusals = { until: 0, left: 0 };

  /** `share`: of the calls that bring no trace, how many are kept, from 0 to 1. */
  constructor(
    readonly tell: TellSpan,
    private readonly share: number,
  ) {}

  /** The call within a span of its own: of the trace it came with, else of one that bears its id. */
  begin<A extends Told>(asked: A, gate: Gate | 'a gate' = 'a gate'): A {
    const { id, trace: parent } = asked;
    const trace = parent ? hop(parent, id) : traceFor(id, this.isKept());
    const own = { ...asked, trace };
    if (isSampled(trace)) this.begun.set(own, { parent, began: spanTime(), gate });
    return own;
  }

  /** Tells the span of a call once it is answered, or done. */
  follow(asked: Told, answer: Promise<object>): void {
    if (!this.begun.has(asked)) return;
    answer.then(
      (answered) => this.ended(asked, (answered as { outcome?: unknown }).outcome),
      (error: unknown) => this.ended(asked, asFailure(error)),
    );
  }

  /** Tells the span of a call that came to this. */
  ended(asked: Told, outcome: unknown): void {
    const known = this.begun.get(asked);
    if (!known) return;
    this.begun.delete(asked);
    const { gate, ...span } = known;
    const { operation, by, trace: self } = asked;
    const failed = outcome instanceof Failure ? outcome.code : undefined;
    this.tell({ ...span, ...of(operation.name, gate, by.name), self: self!, failed });
  }

  /** Tells of a call that was refused before it could begin; its span has no length. */
  refused({ operation, gate, principal, traceparent, code: failed }: RefusedCall): void {
    const { refusals } = this;
    const began = spanTime();
    if (began >= refusals.until) Object.assign(refusals, { until: began + 1_000, left: REFUSED_A_SECOND });
    if (refusals.left === 0) return;
    const parent = traceOf(traceparent);
    if (parent ? !isSampled(parent) : !this.isKept()) return;
    refusals.left--;
    const id = uuidv7();
    const self = parent ? hop(parent, id) : traceFor(id, true);
    this.tell({ ...of(operation, gate, principal), self, parent, began, failed });
  }

  private isKept(): boolean {
    return Math.random() < this.share;
  }
}

const of = (operation: string, gate: string, principal: string) => ({
  name: operation,
  kind: 'server' as const,
  attributes: { 'sanmon.gate': gate, 'sanmon.operation': operation, 'enduser.id': principal },
});
