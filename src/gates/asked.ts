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
}

/** What came of one call. */
export type Outcome<R> = R | Failure;

/** An outcome as a gate answers it: `replayed` = the first answer given again. */
export interface Answer<R> {
  outcome: Outcome<R>;
  replayed: boolean;
}

/** One operation over a set of calls. What must be asked outside is asked in `prepare`, outside any transaction. */
export interface UseCase<C extends object, R, P = unknown> {
  /** One item for each call: what `handle` will need, or the refusal. */
  prepare?(asked: Asked<C>[]): Promise<(P | Failure)[]>;
  /** One outcome for each call, in order. A thrown error is a bug or a database fault: the items are then run one by one. */
  handle(tx: Tx, asked: Asked<C>[], prepared: P[]): Promise<Outcome<R>[]>;
}
