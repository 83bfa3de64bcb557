import { v7 } from 'uuid';
import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { type MessageClass, messageOf, moduleOf } from './contract.js';
import type { Progress } from './loop.js';
import type { Outbox } from './outbox.js';

const SET = 500;

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
  set<B extends object>(tx: Tx, type: MessageClass<B>, bodies: B[], seconds: number): void {
    const traits = messageOf(type);
    const rows = bodies.map((body) => ({
      key: (body as Record<string, string>)[traits.key]!,
      type: traits.type,
      body: JSON.stringify(body),
      seconds,
    }));
    if (rows.length > 0) tx.collect(this, rows, (tx, all) => this.insert(tx, all));
  }

  /** Moves what is due to the outbox. */
  async step(): Promise<Progress> {
    return this.database.transaction(async (tx) => {
      const due = await tx.rows<{ key: string; type: string; body: string }>(this.text.take, [SET]);
      this.outbox.write(
        tx,
        due.map((t) => ({ route: `internal:${moduleOf(t.type)}`, id: v7(), headers: null, ...t })),
      );
      return due.length === SET ? 'more' : 'idle';
    });
  }

  private async insert(tx: Tx, rows: { key: string; type: string; body: string; seconds: number }[]): Promise<void> {
    await tx.run(this.text.insert, [
      rows.map((r) => r.seconds),
      rows.map((r) => r.key),
      rows.map((r) => r.type),
      rows.map((r) => r.body),
    ]);
  }
}

const statements = (schema: string) => ({
  insert: sql(
    `${schema}.timers.insert`,
    `INSERT INTO ${schema}.timers (due, key, type, body)
     SELECT now() + make_interval(secs => s), k, t, b FROM unnest($1::float8[], $2::text[], $3::text[], $4::text[]) u(s, k, t, b)`,
  ),
  take: sql(
    `${schema}.timers.take`,
    `DELETE FROM ${schema}.timers WHERE id = ANY(ARRAY(
       SELECT id FROM ${schema}.timers WHERE due <= now() ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING key, type, body`,
  ),
});
