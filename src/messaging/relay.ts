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
    const [lock, read] =
      paused.length > 0 ? [this.text.lockLive, this.text.readLive] : [this.text.lock, this.text.read];
    const seen = await tx.rows<{ lane: number; mine: boolean }>(lock, paused.length > 0 ? [paused] : []);
    const lanes = seen.filter((l) => l.mine).map((l) => l.lane);
    if (lanes.length === 0) return seen.length > 0 ? 'locked' : 'idle';
    const rows = await tx.rows<OutboxRow & Record<string, unknown>>(read, [
      lanes,
      Math.max(16, Math.ceil((2 * SET) / lanes.length)),
      SET,
      ...(paused.length > 0 ? [paused] : []),
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

const statements = (schema: string) => {
  const outbox = `${schema}.outbox`;
  const named = (name: string, text: string) => sql(`${outbox}.${name}`, text);
  const locked = (having: string) =>
    `SELECT lane, pg_try_advisory_xact_lock(hashtext('${outbox}'), lane) AS mine FROM (
       SELECT l AS lane FROM generate_series(0, 31) l WHERE ${having} ORDER BY random() OFFSET 0) d`;
  const columns = 'x.tid, x.route, x.key, x.type, x.message_id AS id, x.headers, x.body';
  // The routes that are not paused, by hops over the index: rows of a paused route are never looked at.
  const live = (paused: string) => `WITH RECURSIVE r(route) AS (
       (SELECT route FROM ${outbox} ORDER BY route LIMIT 1)
       UNION ALL
       SELECT (SELECT o.route FROM ${outbox} o WHERE o.route > r.route ORDER BY o.route LIMIT 1) FROM r WHERE r.route IS NOT NULL
     ), live AS MATERIALIZED (SELECT route FROM r WHERE route <> ALL(${paused}::text[]))`;
  return {
    lock: named('lock', locked(`EXISTS (SELECT 1 FROM ${outbox} t WHERE t.lane = l)`)),
    read: named(
      'read',
      `SELECT ${columns} FROM unnest($1::smallint[]) l
        CROSS JOIN LATERAL (SELECT ctid::text AS tid, * FROM ${outbox} o WHERE o.lane = l ORDER BY o.seq LIMIT $2) x
        ORDER BY x.seq LIMIT $3`,
    ),
    lockLive: named(
      'lock-live',
      `${live('$1')} ${locked(`EXISTS (SELECT 1 FROM live, LATERAL (SELECT 1 FROM ${outbox} t WHERE t.route = live.route AND t.lane = l LIMIT 1) t)`)}`,
    ),
    readLive: named(
      'read-live',
      `${live('$4')}
       SELECT ${columns} FROM unnest($1::smallint[]) l CROSS JOIN live
        CROSS JOIN LATERAL (SELECT ctid::text AS tid, * FROM ${outbox} o
                             WHERE o.route = live.route AND o.lane = l ORDER BY o.seq LIMIT $2) x
        ORDER BY x.seq LIMIT $3`,
    ),
    remove: named('remove', `DELETE FROM ${outbox} WHERE ctid = ANY($1::tid[])`),
  };
};
