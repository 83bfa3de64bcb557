import type { Failure } from '../failure.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { laneOf, dayOf, type Message } from './message.js';

/** A stored message as the lanes read it. */
export interface StoredMessage extends Message {
  lane: number;
  seq: string;
  attempts: number;
}

/** What a message came to that could not be handled now. */
export interface Verdict {
  state: 'retry' | 'parked';
  /** Seconds until it is tried again. */
  after: number;
  code: string;
  reason: string;
}

/** The statements over one module's inbox. It is normally empty: intake handles what it can at once. */
export class Inbox {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly wake: () => void,
  ) {
    this.text = statements(schema);
  }

  /** Marks messages seen; answers the ones never seen before, and whether their key has something stored. */
  async mark(tx: Tx, messages: Message[]): Promise<{ message: Message; held: boolean }[]> {
    const byId = new Map(messages.map((m) => [m.id, m]));
    const unique = [...byId.values()];
    const fresh = await tx.rows<{ message_id: string; held: boolean }>(this.text.mark, [
      unique.map((m) => dayOf(m.id)),
      unique.map((m) => m.id),
      unique.map((m) => m.key),
    ]);
    const held = new Map(fresh.map((f) => [f.message_id, f.held]));
    return unique.filter((m) => held.has(m.id)).map((message) => ({ message, held: held.get(message.id)! }));
  }

  /**
   * Stores messages in their place, behind what their key already has. Under the lanes' locks, which must be taken
   * before any row lock of a handler: otherwise a lane at work and this intake wait for each other.
   */
  async store(tx: Tx, messages: Message[]): Promise<void> {
    if (messages.length === 0) return;
    await this.lock(
      tx,
      messages.map((m) => laneOf(m.key)),
    );
    await tx.run(this.text.store, columns(messages));
    tx.afterCommit(this.wake);
  }

  /** Stores one message that its handler refused, with the verdict on it. */
  async keep(tx: Tx, message: Message, verdict: Verdict): Promise<void> {
    await tx.run(this.text.keep, [
      laneOf(message.key),
      message.key,
      message.type,
      message.id,
      JSON.stringify(message.body),
      verdict.state,
      verdict.after,
      verdict.code,
      verdict.reason,
    ]);
    tx.afterCommit(this.wake);
  }

  async lock(tx: Tx, lanes: number[]): Promise<void> {
    await tx.rows(this.text.lock, [[...new Set(lanes)]]);
  }

  /** Lets what waited behind messages of these keys go on, after an operator took them away or put them back. */
  async goOn(tx: Tx, keys: string[]): Promise<void> {
    if (keys.length > 0) await tx.run(this.text.unblock, [keys]);
    tx.afterCommit(this.wake);
  }

  /** Locks the lanes that have work and that no other process holds; `seen` = how many had work at all. */
  async lockReady(tx: Tx): Promise<{ lanes: number[]; seen: number }> {
    const rows = await tx.rows<{ lane: number; mine: boolean }>(this.text.lockReady);
    return { lanes: rows.filter((r) => r.mine).map((r) => r.lane), seen: rows.length };
  }

  /** Reads what may be handled in these lanes now, oldest first. */
  async read(tx: Tx, lanes: number[], limit: number): Promise<StoredMessage[]> {
    await tx.run(this.text.wakeDue, [lanes]);
    const rows = await tx.rows<Omit<StoredMessage, 'body'> & { body: string }>(this.text.read, [
      lanes,
      Math.max(16, Math.ceil((2 * limit) / lanes.length)),
      limit,
    ]);
    return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as unknown }));
  }

  /** Takes handled messages out and lets what waited behind them go on. */
  async done(tx: Tx, messages: StoredMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await tx.run(this.text.remove, [messages.map((m) => m.lane), messages.map((m) => m.seq)]);
    await tx.run(this.text.unblock, [messages.map((m) => m.key)]);
  }

  /** Writes the verdict on a message that failed; everything of its key waits behind it. */
  async failed(tx: Tx, message: StoredMessage, verdict: Verdict, counts: boolean): Promise<void> {
    await tx.run(this.text.fail, [
      message.lane,
      message.seq,
      verdict.state,
      verdict.after,
      verdict.code,
      verdict.reason,
      counts ? 1 : 0,
    ]);
    await tx.run(this.text.block, [message.key, message.seq]);
  }
}

const columns = (messages: Message[]): unknown[] => [
  messages.map((m) => laneOf(m.key)),
  messages.map((m) => m.key),
  messages.map((m) => m.type),
  messages.map((m) => m.id),
  messages.map((m) => JSON.stringify(m.body)),
];

/** Retried after 1, 2, 5, 10, 30 s, then every 30 s. */
const RETRY_SECONDS = [1, 2, 5, 10, 30];
const LAST_ATTEMPT = 6;
/** A dependency that is away is looked at this often. */
const PROBE_SECONDS = 5;

/** How an error is dealt with: what may pass waits for ever, a refusal is parked at once, a surprise after six attempts. */
export function judge(
  error: unknown,
  attempts: number,
  failure?: Failure,
  untiring = false,
): Verdict & { counts: boolean } {
  const reason = (error as Error).message ?? String(error);
  if (failure && (failure.kind === 'unavailable' || failure.kind === 'exhausted'))
    return { state: 'retry', after: PROBE_SECONDS, code: failure.code, reason, counts: false };
  if (failure) return { state: 'parked', after: 0, code: failure.code, reason, counts: true };
  const tried = attempts + 1;
  if (tried >= LAST_ATTEMPT && !untiring) return { state: 'parked', after: 0, code: 'internal', reason, counts: true };
  return { state: 'retry', after: RETRY_SECONDS[tried - 1] ?? 30, code: 'internal', reason, counts: true };
}

const statements = (schema: string) => ({ ...intakeStatements(schema), ...laneStatements(schema) });

/** What intake does. */
const intakeStatements = (schema: string) => {
  const inbox = `${schema}.inbox`;
  const class_ = `hashtext('${inbox}')`;
  const named = (name: string, text: string) => sql(`${schema}.inbox.${name}`, text);
  return {
    mark: named(
      'mark',
      `WITH m AS MATERIALIZED (SELECT * FROM unnest($1::date[], $2::uuid[], $3::text[]) m(d, i, k)),
            s AS (INSERT INTO ${schema}.seen (day, message_id) SELECT d, i FROM m ORDER BY d, i ON CONFLICT DO NOTHING RETURNING message_id)
       SELECT s.message_id, EXISTS (SELECT 1 FROM ${inbox} x WHERE x.key = m.k) AS held FROM s JOIN m ON m.i = s.message_id`,
    ),
    lock: named(
      'lock',
      `SELECT pg_advisory_xact_lock(${class_}, l) FROM (SELECT DISTINCT l FROM unnest($1::int[]) l ORDER BY l) x`,
    ),
    store: named(
      'store',
      `INSERT INTO ${inbox} (lane, key, type, message_id, body, state)
       SELECT l, k, t, i, b, CASE WHEN EXISTS (SELECT 1 FROM ${inbox} x WHERE x.key = k AND x.state <> 'ready') THEN 'waiting' ELSE 'ready' END
         FROM unnest($1::smallint[], $2::text[], $3::text[], $4::uuid[], $5::text[]) WITH ORDINALITY m(l, k, t, i, b, n) ORDER BY n`,
    ),
    keep: named(
      'keep',
      `INSERT INTO ${inbox} (lane, key, type, message_id, body, state, due, code, reason, attempts, errors)
       VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7::float8), $8, $9, 1,
               jsonb_build_array(jsonb_build_object('at', now(), 'error', $9::text)))`,
    ),
  };
};

/** What the lanes do. */
const laneStatements = (schema: string) => {
  const inbox = `${schema}.inbox`;
  const named = (name: string, text: string) => sql(`${schema}.inbox.${name}`, text);
  return {
    // Advisory locks need no table and write no log; OFFSET 0 keeps the lock call out of the filter.
    lockReady: named(
      'lock-ready',
      `SELECT lane, pg_try_advisory_xact_lock(hashtext('${inbox}'), lane) AS mine FROM (
         SELECT l AS lane FROM generate_series(0, 31) l
          WHERE EXISTS (SELECT 1 FROM ${inbox} t WHERE t.lane = l AND t.state = 'ready')
             OR EXISTS (SELECT 1 FROM ${inbox} t WHERE t.state = 'retry' AND t.due <= now() AND t.lane = l)
          ORDER BY random() OFFSET 0) d`,
    ),
    wakeDue: named(
      'wake-due',
      `UPDATE ${inbox} SET state = 'ready', due = NULL WHERE state = 'retry' AND due <= now() AND lane = ANY($1::smallint[])`,
    ),
    read: named(
      'read',
      `SELECT x.lane, x.seq::text, x.key, x.type, x.message_id AS id, x.body, x.attempts FROM unnest($1::smallint[]) l
        CROSS JOIN LATERAL (SELECT * FROM ${inbox} i WHERE i.lane = l AND i.state = 'ready' ORDER BY i.seq LIMIT $2) x
        WHERE NOT EXISTS (SELECT 1 FROM ${inbox} e WHERE e.key = x.key AND e.seq < x.seq AND e.state <> 'ready')
        ORDER BY x.seq LIMIT $3`,
    ),
    remove: named(
      'remove',
      `DELETE FROM ${inbox} i USING unnest($1::smallint[], $2::bigint[]) d(l, s) WHERE i.lane = d.l AND i.seq = d.s`,
    ),
    unblock: named(
      'unblock',
      `UPDATE ${inbox} i SET state = 'ready' WHERE i.key = ANY($1::text[]) AND i.state = 'waiting'
          AND NOT EXISTS (SELECT 1 FROM ${inbox} e WHERE e.key = i.key AND e.seq < i.seq AND e.state IN ('retry', 'parked'))`,
    ),
    fail: named(
      'fail',
      `UPDATE ${inbox} SET state = $3, due = CASE WHEN $3 = 'retry' THEN now() + make_interval(secs => $4::float8) END, code = $5,
              reason = $6::text, attempts = attempts + $7,
              errors = errors || jsonb_build_array(jsonb_build_object('at', now(), 'error', $6::text))
        WHERE lane = $1 AND seq = $2`,
    ),
    block: named('block', `UPDATE ${inbox} SET state = 'waiting' WHERE key = $1 AND seq > $2 AND state = 'ready'`),
  };
};
