import type { PoolClient, QueryResultRow } from 'pg';
import type { Statement } from './statement.js';

type Flush<T> = (tx: Tx, rows: T[]) => Promise<void>;

/**
 * Our transaction: a thin wrapper over the connection of TypeORM's QueryRunner, with named prepared statements.
 * Rows that many handlers of one set write to the same table (outbox, timeline, effects) are collected and written
 * by one statement just before COMMIT.
 */
export class Tx {
  private readonly collected = new Map<object, { rows: unknown[]; flush: Flush<never> }>();
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

  /** Collects rows for `owner`; `flush` writes them all with one statement before COMMIT. */
  collect<T>(owner: object, rows: T[], flush: Flush<T>): void {
    const known = this.collected.get(owner);
    if (known) known.rows.push(...rows);
    else this.collected.set(owner, { rows: [...rows], flush: flush });
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

  /** Writes what was collected. A flush may collect again (a timer that is already due), hence the loop. */
  async flush(): Promise<void> {
    while (this.collected.size > 0) {
      const waiting = [...this.collected.values()];
      this.collected.clear();
      for (const { rows, flush } of waiting) if (rows.length > 0) await flush(this, rows as never[]);
    }
  }

  committed(): void {
    for (const hint of this.afterwards) hint();
  }
}
