import { sql } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import { laneOf, dayOf, type Message } from '../message.js';
import { traceHeaders } from '../trace.js';
import { firstError, type Verdict } from './verdict.js';

/** What intake writes of one module's inbox. It is normally empty; what the lanes do with it is in {@link Stored}. */
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
    const unique = [...new Map(messages.map((m) => [m.id, m])).values()];
    const fresh = await tx.rows<{ message_id: string; held: boolean }>(this.text.mark, [
      unique.map((m) => dayOf(m.id)),
      unique.map((m) => m.id),
      unique.map((m) => m.key),
    ]);
    const held = new Map(fresh.map((f) => [f.message_id, f.held]));
    const found = unique.filter((m) => held.has(m.id)).map((message) => ({ message, held: held.get(message.id)! }));
    // Some came again: perhaps we waited for whoever was taking them in, and what they stored is younger than our snapshot.
    return found.length === unique.length ? found : this.lookAgain(tx, found);
  }

  /**
   * Stores messages in their place, behind what their key already has. A key that waits may be let go at any moment, so
   * those are stored under the locks of their lanes, which must be taken before any row lock of a handler: otherwise a lane
   * at work and this intake wait for each other. The others need no lock, so no lane at work holds intake up.
   */
  async store(tx: Tx, messages: Message[]): Promise<void> {
    if (messages.length === 0) return;
    tx.afterCommit(this.wake);
    const ready = await tx.rows<{ message_id: string }>(this.text.storeReady, columns(messages));
    if (ready.length === messages.length) return;
    const stored = new Set(ready.map((r) => r.message_id));
    const left = messages.filter((m) => !stored.has(m.id));
    await this.lock(
      tx,
      left.map((m) => laneOf(m.key)),
    );
    await tx.run(this.text.store, columns(left));
  }

  /** Stores messages behind those of their keys that this very transaction kept, and that nobody else can see yet. */
  async storeBehind(tx: Tx, messages: Message[]): Promise<void> {
    if (messages.length > 0) await tx.run(this.text.store, columns(messages));
  }

  /** Stores one message that its handler refused, with the verdict on it. */
  async keep(tx: Tx, message: Message, verdict: Omit<Verdict, 'counts'>): Promise<void> {
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
      traceHeaders(message.trace),
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

  private async lookAgain(
    tx: Tx,
    found: { message: Message; held: boolean }[],
  ): Promise<{ message: Message; held: boolean }[]> {
    if (found.length === 0) return found;
    const rows = await tx.rows<{ key: string }>(this.text.held, [found.map((f) => f.message.key)]);
    const held = new Set(rows.map((r) => r.key));
    return found.map(({ message }) => ({ message, held: held.has(message.key) }));
  }
}

const columns = (messages: Message[]): unknown[] => [
  messages.map((m) => laneOf(m.key)),
  messages.map((m) => m.key),
  messages.map((m) => m.type),
  messages.map((m) => m.id),
  messages.map((m) => JSON.stringify(m.body)),
  messages.map((m) => traceHeaders(m.trace)),
];

/** Lets what waits go on whose key has nothing failed before it. */
export const unblock = (inbox: string): string =>
  `UPDATE ${inbox} i SET state = 'ready' WHERE i.key = ANY($1::text[]) AND i.state = 'waiting'
      AND NOT EXISTS (SELECT 1 FROM ${inbox} e WHERE e.key = i.key AND e.seq < i.seq AND e.state IN ('retry', 'parked'))`;

const statements = (schema: string) => {
  const inbox = `${schema}.inbox`;
  const named = (name: string, text: string) => sql(`${schema}.inbox.${name}`, text);
  const given = `unnest($1::smallint[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[]) WITH ORDINALITY m(l, k, t, i, b, h, n)`;
  const failing = `EXISTS (SELECT 1 FROM ${inbox} x WHERE x.key = k AND x.state <> 'ready')`;
  return {
    mark: named(
      'mark',
      `WITH m AS MATERIALIZED (SELECT * FROM unnest($1::date[], $2::uuid[], $3::text[]) m(d, i, k)),
            s AS (INSERT INTO ${schema}.seen (day, message_id) SELECT d, i FROM m ORDER BY d, i ON CONFLICT DO NOTHING RETURNING message_id)
       SELECT s.message_id, EXISTS (SELECT 1 FROM ${inbox} x WHERE x.key = m.k) AS held FROM s JOIN m ON m.i = s.message_id`,
    ),
    held: named('held', `SELECT DISTINCT key FROM ${inbox} WHERE key = ANY($1::text[])`),
    lock: named(
      'lock',
      `SELECT pg_advisory_xact_lock(hashtext('${inbox}'), l) FROM (SELECT DISTINCT l FROM unnest($1::int[]) l ORDER BY l) x`,
    ),
    // A lane that fails a message of such a key at this moment misses the new one; it puts it in its place when it reads it.
    storeReady: named(
      'store-ready',
      `INSERT INTO ${inbox} (lane, key, type, message_id, body, headers, state)
       SELECT l, k, t, i, b, h, 'ready' FROM ${given} WHERE NOT ${failing} ORDER BY n RETURNING message_id`,
    ),
    store: named(
      'store',
      `INSERT INTO ${inbox} (lane, key, type, message_id, body, headers, state)
       SELECT l, k, t, i, b, h, CASE WHEN ${failing} THEN 'waiting' ELSE 'ready' END FROM ${given} ORDER BY n`,
    ),
    keep: named(
      'keep',
      `INSERT INTO ${inbox} (lane, key, type, message_id, body, state, due, code, reason, headers, attempts, errors)
       VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7::float8), $8, $9, $10, 1, ${firstError('$9::text')})`,
    ),
    unblock: named('unblock', unblock(inbox)),
  };
};
