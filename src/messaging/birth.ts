import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';

const NOW = sql('birth.now', 'SELECT now()::text AS now');

/** When this process began, by the database's clock: what is older was left by another, perhaps because it died of it. */
export class Birth {
  private began?: string;

  constructor(private readonly database: Database) {}

  async since(): Promise<string> {
    return (this.began ??= (await this.database.rows<{ now: string }>(NOW))[0]!.now);
  }
}
