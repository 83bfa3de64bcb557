import type { Tx } from '../../database/transaction.js';

/** Something that leaves the house, as its runner sees it. */
export interface Effect<B> {
  id: string;
  key: string;
  body: B;
  /** Fences the settling: whoever was leased it later has a higher one. */
  token: number;
  attempts: number;
  /** Milliseconds since its first attempt at the outside, by the database's clock. */
  ageMs: number;
  /** The `traceparent` of what began it. */
  trace?: string;
}

/** `done` with what was said, or `again` because nothing is known yet. */
export type Said<R> = { done: R } | { again: string };

/** One kind of effect: how it is tried, and what its outcome means to the module. */
export interface EffectKind<B, R> {
  readonly kind: string;
  /** Calls under way at once in this process. */
  readonly concurrency: number;
  /** The longest one attempt may take; the lease is this plus slack, and so is the recovery time after a crash. */
  readonly timeoutMs: number;
  attempt(effect: Effect<B>): Promise<Said<R>>;
  /** Applies outcomes, set-wise, in the transaction that also ends the effects. */
  settle(tx: Tx, settled: { effect: Effect<B>; result: R }[]): Promise<void>;
  /** The next try in milliseconds after `attempts` without a result. */
  delay(effect: Effect<B>): number;
}

/**
 * A kind whatever it carries: the rows of one table belong to many kinds, and each row goes to the runner of its own.
 * "any" and not "unknown", because a kind takes in its bodies and gives them out.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyEffectKind = EffectKind<any, any>;
