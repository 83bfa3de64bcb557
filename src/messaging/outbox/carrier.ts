import type { Tx } from '../../database/transaction.js';
import type { Outgoing } from '../message.js';

/** What takes messages from an outbox to where they are heard. Two adapters under one contract suite. */
export interface Carrier {
  readonly name: 'local' | 'rabbitmq';
  /** Whether there is a way at all; while there is none the relay rests and the outbox keeps. */
  ready(): boolean;
  /**
   * Carries rows in their order inside the relay's transaction; answers which were taken and may be deleted.
   * `careful`: the last try threw, so store instead of handling.
   */
  carry(tx: Tx, rows: Outgoing[], careful: boolean): Promise<boolean[]>;
  open(): Promise<void> | void;
  close(): Promise<void>;
}
