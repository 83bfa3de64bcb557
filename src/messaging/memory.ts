import { Logger } from '@nestjs/common';
import { type Database, sqlState } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Progress } from './loop.js';

const DAY_MS = 86_400_000;
const AHEAD_DAYS = 3;
const HOUR_MS = 3_600_000;
const CHECK_VIOLATION = '23514';

/** How long one module remembers: seen marks in day partitions, idempotency keys row by row. PARKED is never pruned. */
export class Memory {
  private readonly logger = new Logger('Memory');
  private next = 0;

  constructor(
    private readonly schema: string,
    private readonly database: Database,
    private readonly retentionDays: number,
  ) {}

  /** Once an hour: partitions made ahead, forgotten days dropped. */
  async step(): Promise<Progress> {
    if (Date.now() < this.next) return 'idle';
    for (let day = -1; day <= AHEAD_DAYS; day++) await this.make(new Date(Date.now() + day * DAY_MS));
    await this.forget();
    this.next = Date.now() + HOUR_MS;
    return 'idle';
  }

  private async make(day: Date): Promise<void> {
    const from = day.toISOString().slice(0, 10);
    const to = new Date(day.getTime() + DAY_MS).toISOString().slice(0, 10);
    try {
      await this.ddl(
        `CREATE TABLE IF NOT EXISTS ${this.partition(from)} PARTITION OF ${this.schema}.seen FOR VALUES FROM ('${from}') TO ('${to}')`,
      );
    } catch (error) {
      // Marks of that day already stand in the default partition: they stay there, nothing is lost.
      if (sqlState(error) !== CHECK_VIOLATION) throw error;
    }
  }

  private async forget(): Promise<void> {
    const before = new Date(Date.now() - (this.retentionDays + 1) * DAY_MS).toISOString().slice(0, 10);
    const known = await this.database.rows<{ name: string }>(
      sql(
        `${this.schema}.memory.partitions`,
        `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass`,
      ),
      [`${this.schema}.seen`],
    );
    for (const { name } of known) {
      if (!/^seen_\d{8}$/.test(name) || name >= `seen_${before.replaceAll('-', '')}`) continue;
      await this.ddl(`DROP TABLE ${this.schema}.${name}`);
      this.logger.log(`forgot ${this.schema}.${name}`);
    }
    const old = `now() - make_interval(days => ${this.retentionDays})`;
    await this.ddl(`DELETE FROM ${this.schema}.idempotency_keys WHERE at < ${old}`);
    await this.ddl(`DELETE FROM ${this.schema}.inbox WHERE state = 'refused' AND at < ${old}`);
    await this.ddl(`DELETE FROM ${this.schema}.seen_otherwise WHERE day < current_date - ${this.retentionDays + 1}`);
  }

  private partition(day: string): string {
    return `${this.schema}.seen_${day.replaceAll('-', '')}`;
  }

  private async ddl(text: string): Promise<void> {
    await this.database.dataSource.query(text);
  }
}
