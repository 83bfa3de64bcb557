import type { PoolClient, QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from '../failure.js';
import { corked } from '../corked.js';
import { DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE, QUERY_CANCELED, SERIALIZATION_FAILURE, sqlState } from './sql-state.js';
import { queryOf, sql, type Statement } from './statement.js';
import { type Began, Tx } from './transaction.js';

/** Shut-down (57P01-03), connection exceptions (08), too many connections (53300), read-only after a fail-over (25006). */
const CONNECTION_STATES = /^(57P0[123]|08...|53300|25006)$/;

/** Whether the database or the way to it failed, rather than the work. */
export function isConnectionError(error: unknown): boolean {
  const state = sqlState(error);
  if (state && /^[0-9A-Z]{5}$/.test(state)) return CONNECTION_STATES.test(state);
  if (state && /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENOTFOUND|EAI_AGAIN)/.test(state)) return true;
  return /connection terminated|timeout exceeded when trying to connect|not queryable|client was closed|driver not connected/i.test(
    (error as Error | undefined)?.message ?? '',
  );
}

/** Whether the work waited in vain for somebody else's lock (`lock_timeout`, `statement_timeout`): it may pass next time. */
export const isBusy = (error: unknown): boolean => [LOCK_NOT_AVAILABLE, QUERY_CANCELED].includes(sqlState(error) ?? '');

const OUTCOME = sql('database.xact-status', 'SELECT pg_xact_status($1::text::xid8) AS status');

/** What BEGIN and the look at the transaction's id and time answer. */
type Begun = [unknown, { rows: Began[] }];

/** One PostgreSQL as a module sees it: transactions whose outcome is always known, and plain reads. */
export class Database {
  private answeredAt = -Infinity;

  constructor(readonly dataSource: DataSource) {}

  /** Whether it answered anything within so many milliseconds: a pool that is all in use is no database that is away. */
  answeredWithin(milliseconds: number): boolean {
    return performance.now() - this.answeredAt < milliseconds;
  }

  /**
   * Runs `work` in a transaction. Serialization failures and deadlocks run the whole work again, five times with jitter,
   * so it must be repeatable. A COMMIT whose answer was lost is looked up by its transaction id, never guessed.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.connected((client) => this.once(client, work));
      } catch (error) {
        const again = [SERIALIZATION_FAILURE, DEADLOCK_DETECTED].includes(sqlState(error) ?? '');
        if (!again || attempt === 5) throw error;
        await sleep(Math.random() * 10 * attempt);
      }
    }
  }

  /** One statement outside any transaction. */
  async rows<T extends QueryResultRow>(statement: Statement, values: unknown[] = []): Promise<T[]> {
    return this.connected(async (client) => (await client.query<T>(queryOf(statement, values))).rows);
  }

  /** Reads through the same interface as a transaction, each statement on its own. */
  async read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.connected((client) => work(new Tx(client)));
  }

  /** Several statements without values in one round trip and one transaction of their own; answers the rows of the last. */
  async script<T extends QueryResultRow>(text: string): Promise<T[]> {
    return this.connected(async (client) => {
      const results = (await client.query<T>(text)) as unknown as { rows: T[] }[];
      return results.at(-1)!.rows;
    });
  }

  private async connected<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const result = await work((await runner.connect()) as PoolClient);
      this.answeredAt = performance.now();
      return result;
    } finally {
      await runner.release();
    }
  }

  private async once<T>(client: PoolClient, work: (tx: Tx) => Promise<T>): Promise<T> {
    // Not awaited: it travels with the first statement. The id is what an unanswered COMMIT is looked up by.
    const uncork = corked(client);
    const begun = client.query('BEGIN; SELECT pg_current_xact_id()::text AS xid, now() AS at') as unknown;
    setImmediate(uncork);
    const tx = new Tx(
      client,
      (begun as Promise<Begun>).then(([, { rows }]) => rows[0]!),
    );
    let result: T;
    let xid: string;
    try {
      result = await work(tx);
      ({ xid } = await tx.begun());
    } catch (error) {
      await tx.undo();
      throw error;
    }
    await this.commit(tx, xid);
    tx.committed();
    return result;
  }

  private async commit(tx: Tx, xid: string): Promise<void> {
    try {
      const { command } = await tx.finish();
      // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error; a handler that swallowed one.
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      if (!(await this.wasCommitted(xid))) throw error;
    }
  }

  /** Asks a new connection what became of a transaction whose COMMIT was not answered. */
  private async wasCommitted(xid: string): Promise<boolean> {
    for (const until = performance.now() + 10_000; performance.now() < until; await sleep(100)) {
      try {
        const [found] = await this.rows<{ status: string | null }>(OUTCOME, [xid]);
        if (found?.status && found.status !== 'in progress') return found.status === 'committed';
      } catch (error) {
        if (!isConnectionError(error)) throw error;
      }
    }
    throw unavailable(
      'outcome-unknown',
      'The database went away while this was being written. Ask again with the same key.',
    );
  }
}
