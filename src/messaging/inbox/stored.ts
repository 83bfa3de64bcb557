import { sql } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import { unblock } from './inbox.js';
import type { Message } from '../message.js';
import type { Share } from '../peers.js';
import { traceIn } from '../trace.js';
import { oneMoreError, type Verdict } from './verdict.js';

/** A stored message as the lanes read it. */
export interface StoredMessage extends Message {
  lane: number;
  seq: string;
  attempts: number;
  /** Milliseconds since it came, by the database's clock. */
  ageMs: number;
  /** Older than this process: whoever should have handled it may have died of it. */
  inherited: boolean;
  /** This attempt was counted before it was made. */
  begun?: boolean;
}

interface Row {
  body: string;
  headers: string | null;
  blocked: boolean;
}

/** What the lanes do with one module's inbox; every change of a lane needs its lock. */
export class Stored {
  private readonly text: ReturnType<typeof statements>;

  constructor(schema: string) {
    this.text = statements(schema);
  }

  /**
   * Locks lanes that have work, our own ones and those whose process does not keep up, at most our share of all.
   * `seen`: how many such lanes there are; `others`: how many more have work that their own process should do.
   */
  async lockReady(tx: Tx, { own, atMost }: Share): Promise<{ lanes: number[]; seen: number; others: number }> {
    const [found] = await tx.rows<{ lanes: number[]; seen: number; others: number }>(this.text.lockReady, [
      own,
      atMost,
    ]);
    return found!;
  }

  /** Reads what may be handled in these lanes now, oldest first. */
  async read(
    tx: Tx,
    lanes: number[],
    limit: number,
    began: string,
  ): Promise<{ messages: StoredMessage[]; blocked: number }> {
    tx.write(this.text.wakeDue, [lanes]);
    const rows = await tx.rows<Omit<StoredMessage, 'body'> & Row>(this.text.read, [
      lanes,
      Math.max(16, Math.ceil((2 * limit) / lanes.length)),
      limit,
      began,
    ]);
    // Stored while a message before it failed: now it is put behind that one.
    const blocked = rows.filter((row) => row.blocked);
    if (blocked.length > 0) tx.write(this.text.hold, [blocked.map((row) => row.lane), blocked.map((row) => row.seq)]);
    const messages = rows
      .filter((row) => !row.blocked)
      .map((row) => ({ ...row, body: JSON.parse(row.body) as unknown, trace: traceIn(row.headers) }));
    return { messages, blocked: blocked.length };
  }

  /** Counts an attempt before it is made: what ends the process in it cannot be counted afterwards. */
  begin(tx: Tx, messages: StoredMessage[]): void {
    tx.write(this.text.begin, [messages.map((m) => m.lane), messages.map((m) => m.seq)]);
  }

  /** Takes handled messages out and lets what waited behind them go on. */
  done(tx: Tx, messages: StoredMessage[]): void {
    if (messages.length === 0) return;
    tx.write(this.text.remove, [messages.map((m) => m.lane), messages.map((m) => m.seq)]);
    tx.write(this.text.unblock, [messages.map((m) => m.key)]);
  }

  /** Writes the verdict on a message that failed; everything of its key waits behind it. */
  failed(tx: Tx, message: StoredMessage, verdict: Verdict): void {
    tx.write(this.text.fail, [
      message.lane,
      message.seq,
      verdict.state,
      verdict.after,
      verdict.code,
      verdict.reason,
      Number(verdict.counts) - Number(message.begun ?? false),
    ]);
    tx.write(this.text.block, [message.key, message.seq]);
  }
}

/** After this a lane is anybody's: its own process is away, or has more than it can do. Twice what a notice takes. */
const OVERDUE = `interval '100 ms'`;

const statements = (schema: string) => {
  const inbox = `${schema}.inbox`;
  const named = (name: string, text: string) => sql(`${schema}.inbox.${name}`, text);
  const due = (before: string) =>
    `EXISTS (SELECT 1 FROM ${inbox} t WHERE t.state = 'retry' AND t.due <= ${before} AND t.lane = l)`;
  return {
    // Advisory locks need no table and write no log; OFFSET 0 keeps the lock call out of the order.
    lockReady: named(
      'lock-ready',
      `WITH work AS MATERIALIZED (
         SELECT l, l = ANY($1::int[]) OR ${due(`now() - ${OVERDUE}`)} OR coalesce(oldest < now() - ${OVERDUE}, false) AS ours
           FROM generate_series(0, 31) l
           LEFT JOIN LATERAL (SELECT at FROM ${inbox} t WHERE t.lane = l AND t.state = 'ready' ORDER BY t.seq LIMIT 1) r(oldest) ON true
          WHERE oldest IS NOT NULL OR ${due('now()')}),
        mine AS MATERIALIZED (
         SELECT l FROM (SELECT l FROM work WHERE ours ORDER BY random() OFFSET 0) d
          WHERE pg_try_advisory_xact_lock(hashtext('${inbox}'), l) LIMIT $2)
       SELECT ARRAY(SELECT l FROM mine) AS lanes, count(*) FILTER (WHERE ours)::int AS seen,
              count(*) FILTER (WHERE NOT ours)::int AS others FROM work`,
    ),
    wakeDue: named(
      'wake-due',
      `UPDATE ${inbox} SET state = 'ready', due = NULL WHERE state = 'retry' AND due <= now() AND lane = ANY($1::smallint[])`,
    ),
    read: named(
      'read',
      `SELECT x.lane, x.seq::text, x.key, x.type, x.message_id AS id, x.body, x.headers, x.attempts,
              extract(epoch FROM now() - x.at)::float8 * 1000 AS "ageMs", x.at < $4::timestamptz AS inherited,
              EXISTS (SELECT 1 FROM ${inbox} e WHERE e.key = x.key AND e.seq < x.seq AND e.state <> 'ready') AS blocked
         FROM unnest($1::smallint[]) l
        CROSS JOIN LATERAL (SELECT * FROM ${inbox} i WHERE i.lane = l AND i.state = 'ready' ORDER BY i.seq LIMIT $2) x
        ORDER BY x.seq LIMIT $3`,
    ),
    begin: named(
      'begin',
      `UPDATE ${inbox} i SET attempts = attempts + 1 FROM unnest($1::smallint[], $2::bigint[]) d(l, s) WHERE i.lane = d.l AND i.seq = d.s`,
    ),
    hold: named(
      'hold',
      `UPDATE ${inbox} i SET state = 'waiting' FROM unnest($1::smallint[], $2::bigint[]) d(l, s) WHERE i.lane = d.l AND i.seq = d.s`,
    ),
    remove: named(
      'remove',
      `DELETE FROM ${inbox} i USING unnest($1::smallint[], $2::bigint[]) d(l, s) WHERE i.lane = d.l AND i.seq = d.s`,
    ),
    unblock: named('unblock-behind', unblock(inbox)),
    fail: named(
      'fail',
      `UPDATE ${inbox} SET state = $3, due = CASE WHEN $3 = 'retry' THEN now() + make_interval(secs => $4::float8) END, code = $5,
              reason = $6::text, attempts = attempts + $7, errors = ${oneMoreError('$6::text')}
        WHERE lane = $1 AND seq = $2`,
    ),
    block: named('block', `UPDATE ${inbox} SET state = 'waiting' WHERE key = $1 AND seq > $2 AND state = 'ready'`),
  };
};
