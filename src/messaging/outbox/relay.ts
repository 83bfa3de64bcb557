import type { Database } from '../../database/database.js';
import { sql } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import type { Birth } from '../birth.js';
import type { Carrier } from './carrier.js';
import type { Courtesy } from '../courtesy.js';
import { Floor } from './floor.js';
import type { Progress } from '../loop.js';
import type { Outgoing } from '../message.js';
import type { Peers } from '../peers.js';
import { LANES } from '../tables.js';

const SET = 500;
/** A route nobody is bound to is left alone this long, so that what flows is not slowed by what cannot. */
const PAUSE_MS = 1_000;

interface OutboxRow extends Outgoing {
  tid: string;
  seq: number;
  inherited: boolean;
}

/**
 * Carries rows of one module's outbox, lane by lane: claimed by state, never by cursor (the floor passes by only what is gone for
 * certain); locked in one statement and read in the next, whose snapshot then shows what the last holder left. Only what was
 * taken is deleted.
 */
export class Relay {
  private readonly text: ReturnType<typeof statements>;
  private readonly floor: Floor;
  private readonly paused = new Map<string, number>();
  /** After a set's handler threw inside the local carrier, the next pass stores instead of handling. */
  private careful = false;

  constructor(
    schema: string,
    private readonly of: { database: Database; birth: Birth; courtesy?: Courtesy },
    private readonly carrier: Carrier,
    /** With whom the lanes are shared: where carrying is handling. To a broker whoever comes first carries. */
    private readonly peers?: Peers,
  ) {
    this.text = statements(schema);
    this.floor = new Floor(schema, of.database);
  }

  async step(): Promise<Progress> {
    if (!this.carrier.ready()) return 'idle';
    await this.of.courtesy?.show();
    try {
      await this.floor.rise();
      const began = await this.of.birth.since();
      return await this.of.database.transaction((tx) => this.pass(tx, began));
    } catch (error) {
      this.floor.forget();
      if (this.careful) throw error;
      this.careful = true;
      return 'more';
    }
  }

  private async pass(tx: Tx, began: string): Promise<Progress> {
    const { lanes, seen, rows } = await this.claim(tx, began);
    if (lanes === 0) return seen > 0 ? 'locked' : 'idle';
    // What was left by another process may have ended it: stored, its attempts are counted.
    const taken = await this.carrier.carry(tx, rows, this.careful || rows.some(({ inherited }) => inherited));
    this.careful = false;
    this.floor.saw(rows.map(({ seq }) => seq));
    tx.collect(
      this,
      rows.filter((_, i) => taken[i]).map((r) => r.tid),
      (tids) => ({ statement: this.text.remove, values: [tids] }),
    );
    rows.forEach((row, i) => {
      if (!taken[i]) this.paused.set(row.route, performance.now() + PAUSE_MS);
    });
    return rows.length === SET || seen > lanes ? 'more' : 'idle';
  }

  /** Locks lanes and reads them: two statements in one round trip, the second with a snapshot of its own. */
  private async claim(tx: Tx, began: string): Promise<{ lanes: number; seen: number; rows: OutboxRow[] }> {
    const paused = this.resting();
    const [lock, read] =
      paused.length > 0 ? [this.text.lockLive, this.text.readLive] : [this.text.lock, this.text.read];
    const atMost = this.peers?.share().atMost ?? LANES;
    // A paused route leaves its rows where they are, so the floor does not rise meanwhile.
    const above = paused.length > 0 ? paused : this.floor.above();
    const [[locked], rows] = await Promise.all([
      tx.rows<{ lanes: number; seen: number }>(lock, [atMost, above]),
      tx.rows<OutboxRow & Record<string, unknown>>(read, [SET, began, above]),
    ]);
    return { ...locked!, rows };
  }

  private resting(): string[] {
    for (const [route, until] of this.paused) if (until <= performance.now()) this.paused.delete(route);
    return [...this.paused.keys()];
  }
}

const statements = (schema: string) => {
  const outbox = `${schema}.outbox`;
  /** A setting that lives as long as the transaction: how the second statement knows what the first one locked. */
  const claimed = 'sanmon.lanes';
  const named = (name: string, text: string) => sql(`${outbox}.${name}`, text);
  const locked = (having: string) =>
    `work AS MATERIALIZED (SELECT l FROM generate_series(0, 31) l WHERE ${having}),
     mine AS MATERIALIZED (SELECT l FROM (SELECT l FROM work ORDER BY random() OFFSET 0) d
                            WHERE pg_try_advisory_xact_lock(hashtext('${outbox}'), l) LIMIT $1)
     SELECT (SELECT count(*)::int FROM mine) AS lanes, (SELECT count(*)::int FROM work) AS seen,
            set_config('${claimed}', ARRAY(SELECT l FROM mine)::text, true)`;
  const columns =
    'x.tid, x.seq::float8 AS seq, x.route, x.key, x.type, x.message_id AS id, x.headers, x.body, x.at < $2::timestamptz AS inherited';
  const lanes = `(SELECT current_setting('${claimed}')::smallint[] AS held OFFSET 0) c, unnest(c.held) l`;
  const perLane = 'greatest(16, 2 * $1::int / cardinality(c.held))';
  // The routes that are not paused, by hops over the index: rows of a paused route are never looked at.
  const live = (paused: string) => `WITH RECURSIVE r(route) AS (
       (SELECT route FROM ${outbox} ORDER BY route LIMIT 1)
       UNION ALL
       SELECT (SELECT o.route FROM ${outbox} o WHERE o.route > r.route ORDER BY o.route LIMIT 1) FROM r WHERE r.route IS NOT NULL
     ), live AS MATERIALIZED (SELECT route FROM r WHERE route <> ALL(${paused}::text[]))`;
  return {
    lock: named('lock', `WITH ${locked(`EXISTS (SELECT 1 FROM ${outbox} t WHERE t.lane = l AND t.seq > $2::bigint)`)}`),
    read: named(
      'read',
      `SELECT ${columns} FROM ${lanes}
        CROSS JOIN LATERAL (SELECT ctid::text AS tid, * FROM ${outbox} o
                             WHERE o.lane = l AND o.seq > $3::bigint ORDER BY o.seq LIMIT ${perLane}) x
        ORDER BY x.seq LIMIT $1`,
    ),
    lockLive: named(
      'lock-live',
      `${live('$2')}, ${locked(`EXISTS (SELECT 1 FROM live, LATERAL (SELECT 1 FROM ${outbox} t WHERE t.route = live.route AND t.lane = l LIMIT 1) t)`)}`,
    ),
    readLive: named(
      'read-live',
      `${live('$3')}
       SELECT ${columns} FROM live CROSS JOIN ${lanes}
        CROSS JOIN LATERAL (SELECT ctid::text AS tid, * FROM ${outbox} o
                             WHERE o.route = live.route AND o.lane = l ORDER BY o.seq LIMIT ${perLane}) x
        ORDER BY x.seq LIMIT $1`,
    ),
    remove: named('remove', `DELETE FROM ${outbox} WHERE ctid = ANY($1::tid[])`),
  };
};
