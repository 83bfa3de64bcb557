import { Logger } from '@nestjs/common';
import type { Database } from '../database/database.js';
import {
  CHECK_VIOLATION,
  DUPLICATE_TABLE,
  LOCK_NOT_AVAILABLE,
  sqlState,
  UNIQUE_VIOLATION,
} from '../database/sql-state.js';
import { sql } from '../database/statement.js';
import type { Progress } from './loop.js';

const DAY_MS = 86_400_000;
const AHEAD_DAYS = 3;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Another replica makes the same table at the same moment: PostgreSQL says one of these in spite of IF NOT EXISTS. */
const MADE_MEANWHILE = [DUPLICATE_TABLE, UNIQUE_VIOLATION];
/** Behind a partition that waits for its lock all intake of the module waits: a back-up reads for hours. */
const LOCK_MS = 100;
/** Rows deleted by one statement: a month of keys at once would run into `statement_timeout`, again and again. */
const CHUNK = 20_000;

/** How long one module remembers: seen marks in day partitions, idempotency keys row by row. PARKED is never pruned. */
export class Memory {
  private readonly logger = new Logger('Memory');
  private next = 0;

  constructor(
    private readonly schema: string,
    private readonly database: Database,
    private readonly retentionDays: number,
  ) {}

  /** Once an hour: partitions made ahead, forgotten days dropped. Whoever reads the marks is not disturbed: in a minute again. */
  async step(): Promise<Progress> {
    if (performance.now() < this.next) return 'idle';
    this.next = performance.now() + MINUTE_MS;
    try {
      // The database's day: a process whose clock is ahead would forget what must be known.
      const today = await this.today();
      const known = await this.partitions();
      for (let day = -1; day <= AHEAD_DAYS; day++) await this.make(new Date(today + day * DAY_MS), known);
      await this.forget(today, known);
      this.next = performance.now() + HOUR_MS;
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    }
    return 'idle';
  }

  private async today(): Promise<number> {
    const statement = sql(
      'memory.today',
      `SELECT (extract(epoch FROM current_date::timestamptz) * 1000)::float8 AS ms`,
    );
    const [row] = await this.database.rows<{ ms: number }>(statement);
    return row!.ms;
  }

  private async partitions(): Promise<string[]> {
    const statement = sql(
      `${this.schema}.memory.partitions`,
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass`,
    );
    const rows = await this.database.rows<{ name: string }>(statement, [`${this.schema}.seen`]);
    return rows.map(({ name }) => name);
  }

  private async make(day: Date, known: string[]): Promise<void> {
    const from = day.toISOString().slice(0, 10);
    if (known.includes(partitionOf(from))) return;
    const to = new Date(day.getTime() + DAY_MS).toISOString().slice(0, 10);
    try {
      await this.ddl(
        `CREATE TABLE IF NOT EXISTS ${this.schema}.${partitionOf(from)} PARTITION OF ${this.schema}.seen FOR VALUES FROM ('${from}') TO ('${to}')`,
      );
    } catch (error) {
      // Marks of that day already stand in the default partition: they stay there, nothing is lost.
      if (![CHECK_VIOLATION, ...MADE_MEANWHILE].includes(sqlState(error) ?? '')) throw error;
    }
  }

  private async forget(today: number, known: string[]): Promise<void> {
    const first = partitionOf(new Date(today - (this.retentionDays + 1) * DAY_MS).toISOString().slice(0, 10));
    for (const name of known) {
      if (!/^seen_\d{8}$/.test(name) || name >= first) continue;
      await this.ddl(`DROP TABLE ${this.schema}.${name}`);
      this.logger.log(`forgot ${this.schema}.${name}`);
    }
    const old = `now() - make_interval(days => ${this.retentionDays})`;
    await this.purge('idempotency_keys', `at < ${old}`);
    await this.purge('inbox', `state = 'refused' AND at < ${old}`);
    await this.purge('seen_otherwise', `day < current_date - ${this.retentionDays + 1}`);
  }

  private async purge(table: string, which: string): Promise<void> {
    const name = `${this.schema}.${table}`;
    const purge = sql(
      `${this.schema}.memory.${table}`,
      `WITH gone AS (DELETE FROM ${name} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${name} WHERE ${which} LIMIT ${CHUNK})) RETURNING 1)
       SELECT count(*)::int AS count FROM gone`,
    );
    for (let count = CHUNK; count === CHUNK;) count = (await this.database.rows<{ count: number }>(purge))[0]!.count;
  }

  private async ddl(text: string): Promise<void> {
    // One simple query is one transaction, so that the limit ends with it.
    await this.database.dataSource.query(`SET LOCAL lock_timeout = ${LOCK_MS}; ${text}`);
  }
}

const partitionOf = (day: string): string => `seen_${day.replaceAll('-', '')}`;
