import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../database/database.js';
import { sql, type Statement } from '../../database/statement.js';

/** What stands in the tables of one module's message path. Each number is counted up to {@link COUNTED_AT_MOST}. */
export interface Standing {
  outbox: number;
  /** Seconds; 0 when there is nothing. */
  outboxAge: number;
  ready: number;
  readyAge: number;
  retry: number;
  waiting: number;
  parked: number;
  /** Only kinds that have any. `age`: seconds since the first attempt of the oldest that was tried in vain. */
  effects: { kind: string; open: number; age: number }[];
}

/** One look is enough for everybody who asks within this time. */
const KEPT_MS = 5_000;
/** So long whoever asks waits for a look; one that takes longer is there for the next who asks. */
const PATIENCE_MS = 1_000;
/** Numbers older than this are none. */
const STALE_MS = 30_000;
export const COUNTED_AT_MOST = 100_000;

/** How much of one module waits, and how long. Looked up when somebody asks, with one statement, at most every 5 s. */
export class Backlog {
  private readonly look: Statement;
  private standing?: Standing;
  private lookedAt = -Infinity;
  private underWay?: Promise<void>;

  constructor(
    schema: string,
    private readonly database: Database,
  ) {
    this.look = sql(`${schema}.backlog.look`, lookAt(schema));
  }

  /** What stands there, or undefined when the database does not say. Never throws, and answers within about a second. */
  async now(): Promise<Standing | undefined> {
    if (performance.now() - this.lookedAt >= KEPT_MS) this.underWay ??= this.read();
    if (this.underWay) await Promise.race([this.underWay, sleep(PATIENCE_MS, undefined, { ref: false })]);
    return performance.now() - this.lookedAt < STALE_MS ? this.standing : undefined;
  }

  private async read(): Promise<void> {
    try {
      const [found] = await this.database.rows<Standing & Record<string, unknown>>(this.look);
      this.standing = found;
    } catch {
      // Whoever needs the database says so; here the numbers are missing, which says it too.
      this.standing = undefined;
    }
    this.lookedAt = performance.now();
    this.underWay = undefined;
  }
}

/**
 * Refused rows are a record of what was answered and no backlog; there may be very many, so no part of this reads them: every
 * state has an index that leaves them out, and what waits is found by the keys of what it waits for. Measured beside 500,000
 * of them: 2 ms when nothing waits; 0.15 to 0.6 s with 500,000 in the outbox, 5,000 parked and 45,000 behind those.
 */
function lookAt(schema: string): string {
  const inbox = `${schema}.inbox`;
  const some = (from: string) => `(SELECT count(*)::int FROM (SELECT 1 FROM ${from} LIMIT ${COUNTED_AT_MOST}) x)`;
  const oldest = (table: string, which: string) =>
    `(SELECT coalesce(greatest(extract(epoch FROM now() - min(f.at)), 0), 0)::float8
        FROM generate_series(0, 31) l
       CROSS JOIN LATERAL (SELECT t.at FROM ${table} t WHERE t.lane = l ${which} ORDER BY t.seq LIMIT 1) f)`;
  const failing = `SELECT key FROM ${inbox} WHERE state = 'retry' AND key IS NOT NULL
                   UNION SELECT key FROM ${inbox} WHERE state = 'parked' AND key IS NOT NULL`;
  return `SELECT ${some(`${schema}.outbox`)} AS outbox, ${oldest(`${schema}.outbox`, '')} AS "outboxAge",
                 ${some(`${inbox} WHERE state = 'ready'`)} AS ready, ${oldest(inbox, `AND t.state = 'ready'`)} AS "readyAge",
                 ${some(`${inbox} WHERE state = 'retry'`)} AS retry, ${some(`${inbox} WHERE state = 'parked'`)} AS parked,
                 ${some(`(${failing}) k JOIN ${inbox} w ON w.key = k.key AND w.state = 'waiting'`)} AS waiting,
                 (SELECT coalesce(json_agg(e), '[]') FROM (
                    SELECT kind, count(*)::int AS open,
                           coalesce(greatest(extract(epoch FROM now() - min(first_at)), 0), 0)::float8 AS age
                      FROM (SELECT kind, first_at FROM ${schema}.effects LIMIT ${COUNTED_AT_MOST}) s GROUP BY kind) e) AS effects`;
}
