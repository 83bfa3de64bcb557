import type { Tx } from '../database/transaction.js';
import { uuidv7 } from '../uuid.js';
import { isHeard } from './contract.js';
import { type Message, type Outgoing, timeOf } from './message.js';
import { hop, isSampled, onward, traceIn } from './trace.js';

/** One finished piece of work within a trace. */
export interface Span {
  /** `handle payments.authorise`. */
  name: string;
  /** Answering a caller, sending, handling what was sent, asking somebody outside. */
  kind: 'server' | 'producer' | 'consumer' | 'client';
  /** Its own `traceparent`, as what it causes names it. */
  self: string;
  /** The `traceparent` of what caused it; absent where the trace begins. */
  parent?: string;
  /** Milliseconds since 1970; it ends when it is told. */
  began: number;
  /** Why nothing came of it, if so. */
  failed?: string;
  attributes: Record<string, string | number>;
}

/** Takes finished spans to wherever traces are kept; must not throw. Absent where none are configured. */
export type TellSpan = (span: Span) => void;

/** Now, for {@link Span.began}: finer than `Date.now()`. */
export const spanTime = (): number => performance.timeOrigin + performance.now();

/** One attempt to handle a set of messages, each within a span of its own. */
export class Attempt<M extends Message> {
  /** The same messages; what they cause is within their spans. */
  readonly set: M[];

  constructor(
    private readonly given: readonly M[],
    private readonly module: string,
    private readonly tell: TellSpan,
    private readonly began = spanTime(),
  ) {
    this.set = given.map((message) =>
      isSampled(message.trace) ? { ...message, trace: hop(message.trace, uuidv7()) } : message,
    );
  }

  /** Tells the spans once what came of them is committed. `failed`: in the place of each message that failed, why. */
  ended(tx: Tx, failed: readonly (string | undefined)[]): void {
    const { given, module, tell, began } = this;
    this.set.forEach(({ id, type, key, trace: self }, i) => {
      const parent = given[i]!.trace;
      if (!isSampled(parent)) return;
      const attributes = { ...named(id, key), 'sanmon.module': module, 'messaging.batch.message_count': given.length };
      const span = { name: `handle ${type}`, kind: 'consumer', self: self!, parent, began, attributes } as const;
      tx.afterCommit(() => tell({ ...span, failed: failed[i] }));
    });
  }
}

/** What a span says of something that was thrown: never its message, which may quote what somebody sent. */
export function nameOfError(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'thrown';
}

/** Tells of messages that were carried, once their rows are deleted. The span is as long as a message waited in the outbox. */
export function tellCarried(tx: Tx, rows: Outgoing[], tell?: TellSpan): void {
  if (!tell) return;
  for (const row of rows) {
    const self = spanOf(row);
    if (!isSampled(self)) continue;
    const { id, key, type, route } = row;
    const attributes = { ...named(id, key), 'messaging.destination.name': route };
    const span = { name: `send ${type}`, kind: 'producer', parent: traceIn(row.headers), attributes } as const;
    tx.afterCommit(() => tell({ ...span, self, began: timeOf(id) }));
  }
}

/** An event that is heard inside leaves twice under one id, and is one span; of an answer only its trace is known. */
const spanOf = (row: Outgoing): string | undefined =>
  row.route.startsWith('internal:') || (row.route === 'public' && !isHeard(row.type)) ? onward(row) : undefined;

const named = (id: string, key: string): Record<string, string> => ({
  'messaging.system': 'sanmon',
  'messaging.message.id': `msg_${id}`,
  'messaging.message.conversation_id': key,
});
