import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { corked } from '../corked.js';
import { queryOf, type Statement } from './statement.js';

/** One statement that writes all rows an owner collected, and what to do with what it answers. */
export interface Writing {
  statement: Statement;
  values: unknown[];
  /** Runs before the outcome of COMMIT is known, so it may only register hints. */
  then?: (answered: Record<string, unknown>[]) => void;
}

type Write<T> = (rows: T[]) => Writing;

/** A transaction's id, by which the outcome of an unanswered COMMIT is looked up, and its `now()`. */
export interface Began {
  xid: string;
  at: Date;
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
  private written: Promise<unknown>[] = [];
  private uncork?: () => void;
  private began?: Began;

  constructor(
    private readonly client: PoolClient,
    private readonly beginning?: Promise<Began>,
  ) {
    beginning?.then(
      (began) => (this.began = began),
      () => undefined,
    );
  }

  /** When this transaction began, by the database's clock: its `now()`, which is what its rows say of their time. */
  async at(): Promise<Date> {
    return (await this.begun()).at;
  }

  /** What BEGIN answered. */
  async begun(): Promise<Began> {
    if (this.began) return this.began;
    if (!this.beginning) throw new Error('what only reads has no beginning');
    // BEGIN itself may still be held back.
    this.leave();
    return this.beginning;
  }

  /** Runs one statement and answers its rows. */
  async rows<T extends QueryResultRow>(statement: Statement, values: unknown[] = []): Promise<T[]> {
    return (await this.answered<T>(statement, values)).rows;
  }

  /** Runs one statement and answers how many rows it touched. */
  async run(statement: Statement, values: unknown[] = []): Promise<number> {
    return (await this.answered(statement, values)).rowCount ?? 0;
  }

  /**
   * Runs one statement whose answer nobody needs. It leaves together with the next one, at the latest with COMMIT, and runs
   * before it; if it fails, so does that one, with its error or what that means. One round trip in five was such.
   */
  write(statement: Statement, values: unknown[] = [], meaningOf: (error: unknown) => unknown = same): void {
    this.uncork ??= corked(this.client);
    const written = this.client.query(queryOf(statement, values)).catch((error: unknown) => {
      throw meaningOf(error);
    });
    written.catch(() => undefined);
    this.written.push(written);
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
    await this.settled();
    await this.client.query(`SAVEPOINT ${name}`);
    try {
      const result = await work();
      await this.settled();
      await this.client.query(`RELEASE SAVEPOINT ${name}`);
      return result;
    } catch (error) {
      await this.settled().catch(() => undefined);
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
    const written = [
      ...this.written,
      ...waiting.map(async ({ rows, write }) => {
        const { statement, values, then } = write(rows as never[]);
        const answered = await this.rows(statement, values);
        then?.(answered);
      }),
    ];
    const committed = this.client.query('COMMIT');
    uncork();
    this.leave();
    const [commit] = await Promise.allSettled([committed, ...written]);
    // The first that failed is the cause: those behind it were only told that the transaction is aborted.
    await Promise.all(written);
    if (commit.status === 'rejected') throw commit.reason;
    return commit.value;
  }

  /** Undoes everything, whatever state the connection is in. */
  async undo(): Promise<void> {
    this.leave();
    await this.client.query('ROLLBACK').catch(() => undefined);
  }

  committed(): void {
    for (const hint of this.afterwards) hint();
  }

  private async answered<T extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<QueryResult<T>> {
    const answer = this.client.query<T>(queryOf(statement, values));
    this.leave();
    try {
      return await answer;
    } catch (error) {
      // What was written before it may be the cause: this one was only told that the transaction is aborted.
      await this.settled();
      throw error;
    }
  }

  /** Waits for what was written, and throws the first failure. */
  private async settled(): Promise<void> {
    this.leave();
    await Promise.all(this.written.splice(0));
  }

  /** Lets what was held back leave. */
  private leave(): void {
    this.uncork?.();
    this.uncork = undefined;
  }
}

const same = (error: unknown): unknown => error;
