import type { Database } from '../database/database.js';
import { LOCK_NOT_AVAILABLE, sqlState } from '../database/sql-state.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { Inbox } from '../messaging/inbox/inbox.js';
import { NO_LANE } from '../messaging/tables.js';
import { laneBusy } from './ops.failures.js';
import { isStranger, type StoredMessage } from './stored-message.js';

/** Which messages of a module are asked for; undefined does not narrow. */
export interface Narrowing {
  states: string[];
  type?: string;
  key?: string;
  code?: string;
}

/** How a message goes on: as it is stored, or with another body and other headers. */
export interface Restart {
  row: StoredMessage;
  body?: string;
  headers?: string;
}

/** Of a body, its bytes and its headers, a list shows each up to this size. */
const SHOWN_IN_LISTS = 4 * 1024;

/** The inbox of one module as the repair desk reads and changes it: sets in and out, changes under the locks of the lanes. */
export class StoredMessages {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly database: Database,
    private readonly inbox: Inbox,
    releaseWithinDays: number,
  ) {
    this.text = statements(schema, releaseWithinDays);
  }

  /** Messages after a position, oldest first, with the sizes of a list. */
  async page(narrowing: Narrowing, after: string, size: number): Promise<StoredMessage[]> {
    const rows = await this.database.rows<StoredMessage>(this.text.page, [...values(narrowing), after, size]);
    return rows.map((row) => ({ ...row, errors: row.errors.slice(-10) }));
  }

  async find(id: string): Promise<StoredMessage | undefined> {
    const [row] = await this.database.rows<StoredMessage>(this.text.find, [[id]]);
    return row;
  }

  /** Whether a message stands here, or was repaired here. */
  async knows(id: string): Promise<{ holds: boolean; repaired: boolean }> {
    const [row] = await this.database.rows<{ holds: boolean; repaired: boolean }>(this.text.knows, [id]);
    return row!;
  }

  /** Locks messages, and before them their lanes, as everybody does who works in a lane. */
  async hold(tx: Tx, ids: string[]): Promise<Map<string, StoredMessage>> {
    const lanes = await tx.rows<{ lane: number }>(this.text.lanes, [ids]);
    await this.inbox
      .lock(
        tx,
        lanes.map((l) => l.lane),
      )
      .catch((error: unknown) => {
        throw sqlState(error) === LOCK_NOT_AVAILABLE ? laneBusy() : error;
      });
    const rows = await tx.rows<StoredMessage>(this.text.hold, [ids]);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Puts held messages back to be tried at once, each in its place; answers them as they stand now. */
  async restart(tx: Tx, restarts: Restart[]): Promise<Map<string, StoredMessage>> {
    if (restarts.length === 0) return new Map();
    const rows = await tx.rows<StoredMessage>(this.text.restart, [
      restarts.map((r) => r.row.lane),
      restarts.map((r) => r.row.seq),
      restarts.map((r) => r.body ?? null),
      restarts.map((r) => r.headers ?? null),
    ]);
    await this.inbox.goOn(tx, []);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Takes held messages out; what waits behind them goes on. */
  async remove(tx: Tx, rows: StoredMessage[]): Promise<void> {
    if (rows.length === 0) return;
    await tx.run(this.text.remove, [rows.map((r) => r.lane), rows.map((r) => r.seq)]);
    await this.inbox.goOn(
      tx,
      rows.flatMap((r) => (isStranger(r) ? [] : r.key!)),
    );
  }
}

/** The parameters $1 to $4 of {@link MATCHES}. */
export const values = ({ states, type, key, code }: Narrowing): unknown[] => [
  states,
  type ?? null,
  key ?? null,
  code ?? null,
];

/** The condition of a {@link Narrowing}. */
export const MATCHES = `i.state = ANY($1::text[]) AND ($2::text IS NULL OR i.type = $2) AND ($3::text IS NULL OR i.key = $3)
  AND ($4::text IS NULL OR i.code = $4)`;

// A lease is a minute, the longest wait between two tries half of that.
const columns = (
  releaseWithinDays: number,
): string => `i.lane, i.seq::text AS seq, i.message_id AS id, i.type, i.key, i.state, i.attempts, i.due, i.code, i.reason,
  i.errors, i.principal, i.at, i.state = 'retry' AND i.due > now() + interval '35 seconds' AS leased,
  i.state = 'parked' AND i.lane = ${NO_LANE} AND i.at < now() - make_interval(days => ${releaseWithinDays}) AS outdated`;
const upTo = (column: string): string =>
  `CASE WHEN octet_length(i.${column}) <= ${SHOWN_IN_LISTS} THEN i.${column} END AS ${column}`;

const statements = (schema: string, releaseWithinDays: number) => {
  const listed = columns(releaseWithinDays);
  const whole = `${listed}, i.headers, i.body, i.raw`;
  const inbox = `${schema}.inbox`;
  const named = (name: string, text: string) => sql(`${schema}.repair.${name}`, text);
  return {
    page: named(
      'page',
      `SELECT ${listed}, ${upTo('headers')}, ${upTo('body')}, ${upTo('raw')} FROM ${inbox} i
        WHERE ${MATCHES} AND i.seq > $5::bigint ORDER BY i.seq LIMIT $6`,
    ),
    find: named('find', `SELECT ${whole} FROM ${inbox} i WHERE i.message_id = ANY($1::uuid[]) LIMIT 1`),
    knows: named(
      'knows',
      `SELECT EXISTS (SELECT 1 FROM ${inbox} WHERE message_id = $1::uuid) AS holds,
              EXISTS (SELECT 1 FROM ${schema}.repair_acts WHERE message_id = $1::uuid) AS repaired`,
    ),
    lanes: named(
      'lanes',
      `SELECT DISTINCT lane FROM ${inbox} WHERE message_id = ANY($1::uuid[]) AND lane <> ${NO_LANE}`,
    ),
    hold: named(
      'hold',
      `SELECT ${whole} FROM ${inbox} i WHERE i.message_id = ANY($1::uuid[]) ORDER BY i.lane, i.seq FOR UPDATE`,
    ),
    restart: named(
      'restart',
      `UPDATE ${inbox} i SET attempts = 0, due = CASE WHEN i.lane = ${NO_LANE} THEN now() END,
              body = coalesce(u.b, i.body), headers = coalesce(u.h, i.headers),
              state = CASE WHEN i.lane = ${NO_LANE} THEN 'retry'
                           WHEN EXISTS (SELECT 1 FROM ${inbox} e WHERE e.key = i.key AND e.seq < i.seq AND e.state <> 'ready') THEN 'waiting'
                           ELSE 'ready' END
         FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[]) u(l, s, b, h) WHERE i.lane = u.l AND i.seq = u.s
       RETURNING ${whole}`,
    ),
    remove: named(
      'remove',
      `DELETE FROM ${inbox} i USING unnest($1::smallint[], $2::bigint[]) u(l, s) WHERE i.lane = u.l AND i.seq = u.s`,
    ),
  };
};
