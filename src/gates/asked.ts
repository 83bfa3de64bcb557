import type { Principal } from '../access/principal.js';
import type { Failure } from '../failure.js';
import type { Tx } from '../database/transaction.js';
import type { OperationTraits } from './operation.js';

/** One admitted call: decoded, its caller known, allowed and its input valid. The same on every gate. */
export interface Asked<C extends object> {
  /** UUIDv7, made at admission: the id of what this call creates, so an unknown outcome can be read back. */
  id: string;
  operation: OperationTraits;
  command: C;
  by: Principal;
  /** Idempotency key, already unquoted and bounded. */
  key?: string;
  /** How many seconds the caller prefers to wait for the end of what this begins. */
  wait?: number;
  /** The `traceparent` it came with (W3C Trace Context): what it causes is part of that trace. */
  trace?: string;
  /** Why it need not be begun any more; judged before its set is formed, and never once its transaction began. */
  unwanted?: Unwanted;
  /** The key is the id of a message: with it no other operation of this module may be asked for. */
  keyIsMessageId?: boolean;
}

/** The refusal of a call whose caller does not wait for it any more; undefined while somebody does. */
export type Unwanted = () => Failure | undefined;

/** What came of one call. */
export type Outcome<R> = R | Failure;

/** An outcome as a gate answers it: `replayed` = the first answer given again. */
export interface Answer<R> {
  outcome: Outcome<R>;
  replayed: boolean;
  /** The preference that was followed, e.g. `wait=10` (RFC 7240). */
  applied?: string;
}

/** Makes of the answer of a call the one that its caller would rather wait for (`Prefer: wait`). Never throws. */
export type Patience<C extends object = object, R = unknown> = (
  asked: Asked<C>,
  answer: Promise<Answer<R>>,
) => Promise<Answer<R>>;

/** One operation over a set of calls. What must be asked outside is asked in `prepare`, outside any transaction. */
export interface UseCase<C extends object, R, P = unknown> {
  /** One item for each call: what `handle` will need, or the refusal. */
  prepare?(asked: Asked<C>[]): Promise<(P | Failure)[]>;
  /** One outcome for each call, in order. A thrown error is a bug or a database fault: the items are then run one by one. */
  handle(tx: Tx, asked: Asked<C>[], prepared: P[]): Promise<Outcome<R>[]>;
}
