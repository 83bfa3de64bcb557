import { uuidv7 } from '../uuid.js';
import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { newId } from '../id.js';
import type { Act, ActKind, Message } from './index.js';
import type { StoredMessage } from './stored-message.js';

/** One act as it is written down. */
export interface Done {
  by: string;
  act: ActKind;
  row?: StoredMessage;
  reason?: string;
  /** The UUID of the release of many messages. */
  operation?: string;
  original?: Message;
}

/** The audit of one module: written in the transaction of the act, never changed. */
export class Acts {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    private readonly module: string,
    private readonly database: Database,
  ) {
    this.text = statements(module);
  }

  async record(tx: Tx, done: Done[]): Promise<void> {
    if (done.length === 0) return;
    await tx.run(this.text.record, [
      done.map(() => uuidv7()),
      done.map((d) => d.by),
      done.map((d) => d.act),
      done.map((d) => d.row?.id ?? null),
      done.map((d) => d.row?.type ?? null),
      done.map((d) => d.row?.key ?? null),
      done.map((d) => d.reason ?? null),
      done.map((d) => d.operation ?? null),
      done.map((d) => (d.original ? JSON.stringify(d.original) : null)),
    ]);
  }

  /** Acts before a position (the UUID of one), newest first; on one message, or on all. */
  async page(before: string | undefined, messageId: string | undefined, size: number): Promise<Act[]> {
    const rows = await this.database.rows<ActRow>(this.text.page, [before ?? null, messageId ?? null, size]);
    return rows.map((row) => toAct(this.module, row));
  }
}

interface ActRow extends Record<string, unknown> {
  id: string;
  at: Date;
  by: string;
  act: ActKind;
  message_id: string | null;
  type: string | null;
  key: string | null;
  reason: string | null;
  operation_id: string | null;
  original: string | null;
}

const toAct = (module: string, row: ActRow): Act => ({
  id: newId('act', row.id),
  at: row.at.toISOString(),
  by: row.by,
  act: row.act,
  module,
  ...(row.message_id !== null && { messageId: newId('msg', row.message_id) }),
  ...(row.type !== null && { type: row.type }),
  ...(row.key !== null && { key: row.key }),
  ...(row.reason !== null && { reason: row.reason }),
  ...(row.operation_id !== null && { operationId: newId('opn', row.operation_id) }),
  ...(row.original !== null && { original: JSON.parse(row.original) as Message }),
});

const SHOWN = 16 * 1024;

const statements = (schema: string) => ({
  record: sql(
    `${schema}.acts.record`,
    `INSERT INTO ${schema}.repair_acts (id, by, act, message_id, type, key, reason, operation_id, original)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[])`,
  ),
  page: sql(
    `${schema}.acts.page`,
    `SELECT id, at, by, act, message_id, type, key, reason, operation_id,
            CASE WHEN octet_length(original) <= ${SHOWN} THEN original END AS original
       FROM ${schema}.repair_acts WHERE ($1::uuid IS NULL OR id < $1) AND ($2::uuid IS NULL OR message_id = $2)
      ORDER BY id DESC LIMIT $3`,
  ),
});
