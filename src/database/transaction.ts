import type { Writable } from 'node:stream';
import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import type { Statement } from './statement.js';

/** One statement that writes all rows an owner collected, and what to do with what it answers. */
export interface Writing {
  statement: Statement;
  values: unknown[];
  /** Runs before the outcome of COMMIT is known, so it may only register hints. */
  then?: (answered: Record<string, unknown>[]) => void;
}

type Write<T> = (rows: T[]) => Writing;

/**
 * Holds back what is sent over a connection until the answer is called, so that several statements leave with one system
 * call; those were a fifth of the CPU of an order. Needs `pipeline` in the pool, and pg's own name for its socket:
 * without it each statement leaves alone.
 */
export function corked(client: PoolClient): () => void {
  const socket = (client as { connection?: { stream?: Partial<Writable> } }).connection?.stream;
  socket?.cork?.();
  return () => socket?.uncork?.();
}

/**
 * Our transaction: a thin wrapper over the connection of TypeORM's QueryRunner, with named prepared statements.
 * Rows that many handlers of one set write to the same table (outbox, timeline, effects) are collected and written
 * by one statement just before COMMIT.
 */
export class Tx {
  private readonly collected = new Map<object, { rows: unknown[]; write: Write<never> }>();
  private readonly afterwards: (() => void)[] = [];
  private savepoints = 0;

  constructor(private readonly client: PoolClient) {}

  /** Runs one statement and answers its rows. */
  async rows<T extends QueryResultRow>(statement: Statement, values: unknown[] = []): Promise<T[]> {
    return (await this.client.query<T>({ ...statement, values })).rows;
  }

  /** Runs one statement and answers how many rows it touched. */
  async run(statement: Statement, values: unknown[] = []): Promise<number> {
    return (await this.client.query({ ...statement, values })).rowCount ?? 0;
  }

  /** Collects rows for `owner`; `write` says how they are all written by one statement that leaves with COMMIT. */
  collect<T>(owner: object, rows: T[], write: Write<T>): void {
    const known = this.collected.get(owner);
    if (known) known.rows.push(...rows);
    else this.collected.set(owner, { rows: [...rows], write });
  }

  /** Runs once the transaction is committed, never otherwise. It must not throw: it only hints (wakes, leased effects). */
  afterCommit(hint: () => void): void {
    this.afterwards.push(hint);
  }

  /** Runs `work` so that its failure undoes only itself, including what it had collected. */
  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const name = `s${++this.savepoints}`;
    const lengths = new Map([...this.collected].map(([owner, { rows }]) => [owner, rows.length]));
    const hints = this.afterwards.length;
    await this.client.query(`SAVEPOINT ${name}`);
    try {
      const result = await work();
      await this.client.query(`RELEASE SAVEPOINT ${name}`);
      return result;
    } catch (error) {
      await this.client.query(`ROLLBACK TO SAVEPOINT ${name}`);
      for (const [owner, { rows }] of this.collected) rows.length = lengths.get(owner) ?? 0;
      this.afterwards.length = hints;
      throw error;
    }
  }

  /**
   * Writes what was collected and commits, in one round trip: the statements go out together and run one after the other.
   * When one fails, PostgreSQL answers COMMIT with ROLLBACK, and the failure is thrown.
   */
  async finish(): Promise<QueryResult> {
    const waiting = [...this.collected.values()].filter(({ rows }) => rows.length > 0);
    const uncork = corked(this.client);
    const written = waiting.map(async ({ rows, write }) => {
      const { statement, values, then } = write(rows as never[]);
      const answered = await this.rows(statement, values);
      then?.(answered);
    });
    const committed = this.client.query('COMMIT');
    uncork();
    const [commit] = await Promise.allSettled([committed, ...written]);
    // The first that failed is the cause: those behind it were only told that the transaction is aborted.
    await Promise.all(written);
    if (commit.status === 'rejected') throw commit.reason;
    return commit.value;
  }

  committed(): void {
    for (const hint of this.afterwards) hint();
  }
}
