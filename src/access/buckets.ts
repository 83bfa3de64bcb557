import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';

/** What one bucket gave, of what was asked of it. */
export interface Grant {
  granted: number;
  /** What is left in it for everybody. */
  left: number;
}

/** The buckets of all callers, one for all processes on this database; they fill at `perSecond` and hold one second. */
export class Buckets {
  constructor(
    private readonly database: Database,
    private readonly perSecond: number,
  ) {}

  /** Takes from many buckets with one statement, from each as much as is asked and there. */
  async take(asked: Map<string, number>): Promise<Map<string, Grant>> {
    // In the order of the names, so that two processes never wait for each other in a circle.
    const names = [...asked.keys()].sort((a, b) => (a < b ? -1 : 1));
    const rows = await this.database.rows<{ principal: string; granted: number; tokens: number }>(TAKE, [
      names,
      names.map((name) => asked.get(name)!),
      this.perSecond,
    ]);
    return new Map(rows.map(({ principal, granted, tokens }) => [principal, { granted, left: Math.floor(tokens) }]));
  }

  /** Forgets the full ones: a caller who is not in the table has a full bucket. */
  async forget(): Promise<void> {
    await this.database.rows(FORGET);
  }
}

const TAKE = sql(
  'access.take',
  `INSERT INTO access.buckets AS b (principal, tokens, granted)
   SELECT p, $3::float8 - least(n, $3), least(n, $3) FROM unnest($1::text[], $2::int[]) u(p, n)
   ON CONFLICT (principal) DO UPDATE SET (tokens, granted, at) = (
     SELECT h.have - g.granted, g.granted, h.now
       FROM (SELECT clock_timestamp() AS now,
                    least($3, b.tokens + $3 * greatest(0, extract(epoch FROM clock_timestamp() - b.at))) AS have) h,
            LATERAL (SELECT least(floor(h.have), excluded.granted)::int AS granted) g)
   RETURNING principal, granted, tokens`,
);

const FORGET = sql('access.forget', `DELETE FROM access.buckets WHERE at < now() - interval '1 minute'`);
