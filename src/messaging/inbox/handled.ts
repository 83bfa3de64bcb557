import type { Tx } from '../../database/transaction.js';
import type { Verdict } from './verdict.js';

/** How a message was handled: as it came, or out of the inbox. */
export type Way = 'intake' | 'lanes';

/** What became of the messages of one module in this process since it started; only what was committed counts. */
export class Handled {
  private readonly counts: Record<Way, number> = { intake: 0, lanes: 0 };
  private readonly failures: Record<Verdict['state'], number> = { retry: 0, parked: 0 };

  /** Counts messages that this transaction handled, if it is committed. */
  count(tx: Tx, way: Way, messages: number): void {
    if (messages > 0) tx.afterCommit(() => (this.counts[way] += messages));
  }

  /** Counts messages that this transaction put off or aside, if it is committed. */
  fail(tx: Tx, state: Verdict['state'], messages = 1): void {
    if (messages > 0) tx.afterCommit(() => (this.failures[state] += messages));
  }

  get now(): Readonly<Record<Way, number>> {
    return { ...this.counts };
  }

  /** Tries that failed and are made again, and messages that need an operator. */
  get failed(): Readonly<Record<Verdict['state'], number>> {
    return { ...this.failures };
  }
}
