import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { Carrier } from './carrier.js';
import type { Progress } from './loop.js';
import type { Outgoing } from './message.js';

const SET = 500;
/** A route nobody is bound to is left alone this long, so that what flows is not slowed by what cannot. */
const PAUSE_MS = 1_000;

interface OutboxRow extends Outgoing {
  tid: string;
}

/**
 * Carries rows of one module's outbox, lane by lane: claimed by state, never by cursor; locked in one statement and read
 * in the next, whose snapshot then shows what the last holder left. Only what was taken is deleted.
 */
export class Relay {
  private readonly text: ReturnType<typeof statements>;
  private readonly paused = new Map<string, number>();
  /** After a set's handler threw inside the local carrier, the next pass stores instead of handling. */
  private careful = false;

  constructor(
    schema: string,
    private readonly database: Database,
    private readonly carrier: Carrier,
  ) {
    this.text = statements(schema);
  }

  async step(): Promise<Progress> {
    if (!this.carrier.ready()) return 'idle';
    try {
      return await this.database.transaction((tx) => this.pass(tx));
    } catch (error) {
      if (this.careful) throw error;
      this.careful = true;
      return 'more';
    }
  }

  private async pass(tx: Tx): Promise<Progress> {
    const paused = this.resting();
    const seen = await tx.rows<{ lane: number; mine: boolean }>(this.text.lock, [paused]);
    const lanes = seen.filter((l) => l.mine).map((l) => l.lane);
    if (lanes.length === 0) return seen.length > 0 ? 'locked' : 'idle';
    const rows = await tx.rows<OutboxRow & Record<string, unknown>>(this.text.read, [
      lanes,
      Math.max(16, Math.ceil((2 * SET) / lanes.length)),
      paused,
      SET,
    ]);
    const taken = await this.carrier.carry(tx, rows, this.careful);
    this.careful = false;
    await tx.run(this.text.remove, [rows.filter((_, i) => taken[i]).map((r) => r.tid)]);
    rows.forEach((row, i) => {
      if (!taken[i]) this.paused.set(row.route, Date.now() + PAUSE_MS);
    });
    return rows.length === SET ? 'more' : 'idle';
  }

  private resting(): string[] {
    for (const [route, until] of this.paused) if (until <= Date.now()) this.paused.delete(route);
    return [...this.paused.keys()];
  }
}

const statements = (schema: string) => ({
  lock: sql(
    `${schema}.outbox.lock`,
    `SELECT lane, pg_try_advisory_xact_lock(hashtext('${schema}.outbox'), lane) AS mine FROM (
       SELECT l AS lane FROM generate_series(0, 31) l
        WHERE EXISTS (SELECT 1 FROM ${schema}.outbox t WHERE t.lane = l AND t.route <> ALL($1::text[])) ORDER BY random() OFFSET 0) d`,
  ),
  read: sql(
    `${schema}.outbox.read`,
    `SELECT x.tid, x.route, x.key, x.type, x.message_id AS id, x.headers, x.body FROM unnest($1::smallint[]) l
      CROSS JOIN LATERAL (SELECT ctid::text AS tid, * FROM ${schema}.outbox o
                           WHERE o.lane = l AND o.route <> ALL($3::text[]) ORDER BY o.seq LIMIT $2) x
      ORDER BY x.seq LIMIT $4`,
  ),
  remove: sql(`${schema}.outbox.remove`, `DELETE FROM ${schema}.outbox WHERE ctid = ANY($1::tid[])`),
});
