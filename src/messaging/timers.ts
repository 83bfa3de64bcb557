import { uuidv7 } from '../uuid.js';
import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { type MessageClass, messageOf, moduleOf } from './contract.js';
import type { Progress } from './loop.js';
import type { Outgoing } from './message.js';
import type { Outbox } from './outbox/outbox.js';
import { traceHeaders } from './trace.js';

const SET = 500;
/** The type of an answer that is held back; its key is the queue it goes to. */
const REPLY = 'reply';

interface Timer {
  key: string;
  type: string;
  body: string;
  headers: string | null;
}

/** Messages of a module to itself that are due later. They have a table of their own and move to the outbox when due. */
export class Timers {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {
    this.text = statements(schema);
  }

  /** Sets timers in the caller's transaction, `seconds` from now by the database's clock. */
  set<B extends object>(tx: Tx, type: MessageClass<B>, bodies: B[], seconds: number, trace?: string): void {
    const traits = messageOf(type);
    const rows = bodies.map((body) => ({
      key: (body as Record<string, string>)[traits.key]!,
      type: traits.type,
      body: JSON.stringify(body),
      seconds,
      headers: traceHeaders(trace),
    }));
    if (rows.length > 0) tx.collect(this, rows, (all) => ({ statement: this.text.insert, values: columns(all) }));
  }

  /** Stores answers that are sent after their seconds unless they are taken before. Answers the ids to take them by. */
  async holdReplies(
    tx: Tx,
    replies: { queue: string; headers: object; body: string; seconds: number }[],
  ): Promise<string[]> {
    const rows = replies.map(({ queue, headers, body, seconds }) => {
      return { key: queue, type: REPLY, body, seconds, headers: JSON.stringify(headers) };
    });
    return (await tx.rows<{ id: string }>(this.text.insert, columns(rows))).map(({ id }) => id);
  }

  /** Takes held answers away; answers which of them had not been sent yet. */
  async takeReplies(tx: Tx, ids: string[]): Promise<Set<string>> {
    return new Set((await tx.rows<{ id: string }>(this.text.takeThese, [ids])).map(({ id }) => id));
  }

  /** Moves what is due to the outbox. */
  async step(): Promise<Progress> {
    return this.database.transaction(async (tx) => {
      const due = await tx.rows<Timer & Record<string, unknown>>(this.text.take, [SET]);
      this.outbox.write(tx, due.map(outgoing));
      return due.length === SET ? 'more' : 'idle';
    });
  }
}

function outgoing(timer: Timer): Outgoing {
  const id = uuidv7();
  if (timer.type === REPLY) return { ...timer, id, route: `reply:${timer.key}`, key: id };
  return { ...timer, id, route: `internal:${moduleOf(timer.type)}` };
}

const columns = (rows: (Timer & { seconds: number })[]): unknown[] => [
  rows.map((r) => r.seconds),
  rows.map((r) => r.key),
  rows.map((r) => r.type),
  rows.map((r) => r.body),
  rows.map((r) => r.headers),
];

const statements = (schema: string) => ({
  insert: sql(
    `${schema}.timers.insert`,
    `INSERT INTO ${schema}.timers (due, key, type, body, headers)
     SELECT now() + make_interval(secs => s), k, t, b, h
       FROM unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY u(s, k, t, b, h, n)
      ORDER BY n RETURNING id::text`,
  ),
  take: sql(
    `${schema}.timers.take`,
    `DELETE FROM ${schema}.timers WHERE id = ANY(ARRAY(
       SELECT id FROM ${schema}.timers WHERE due <= now() ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING key, type, body, headers`,
  ),
  takeThese: sql(
    `${schema}.timers.take-these`,
    `DELETE FROM ${schema}.timers WHERE id = ANY($1::bigint[]) RETURNING id::text`,
  ),
});
