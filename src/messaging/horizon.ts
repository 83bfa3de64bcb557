import { Logger } from '@nestjs/common';
import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Progress } from './loop.js';

const LOOK_EVERY_MS = 60_000;
/** Long before it hurts: what relay and lanes step over grows by the messages of this time. */
const TOO_OLD_SECONDS = 300;

// Whoever may not see other users' sessions (pg_read_all_stats) sees our own only.
const OLDEST = sql(
  'horizon.oldest',
  `SELECT holder, extract(epoch FROM now() - since)::int AS seconds FROM (
     SELECT 'the session ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed') || ', ' || coalesce(state, '') || ')' AS holder,
            xact_start AS since FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()
     UNION ALL SELECT 'the prepared transaction ' || gid, prepared FROM pg_prepared_xacts WHERE database = current_database()) x
    WHERE since < now() - make_interval(secs => $1) ORDER BY since LIMIT 1`,
);

/**
 * Says aloud when one transaction has been open for so long that nothing newer can be cleaned up: outbox and inbox, small
 * as they are, then fill with rows that are gone and still in the way.
 */
export class Horizon {
  private readonly logger = new Logger('Database');
  private next = 0;
  private alarmed = false;

  constructor(
    private readonly database: Database,
    private readonly tooOldSeconds = TOO_OLD_SECONDS,
  ) {}

  async step(): Promise<Progress> {
    if (performance.now() < this.next) return 'idle';
    this.next = performance.now() + LOOK_EVERY_MS;
    const [oldest] = await this.database.rows<{ holder: string; seconds: number }>(OLDEST, [this.tooOldSeconds]);
    if (oldest)
      this.logger.error(
        `${oldest.holder} has a transaction open for ${oldest.seconds} s: nothing deleted since can be cleaned up. End it.`,
      );
    else if (this.alarmed) this.logger.log('deleted rows can be cleaned up again');
    this.alarmed = oldest !== undefined;
    return 'idle';
  }
}
