import { Injectable } from '@nestjs/common';
import { SERIALIZATION_FAILURE } from '../database/sql-state.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { StockLine } from './index.js';
import type { HoldState } from './stock.js';

/** What is, or was, held for one order. */
export interface Hold {
  orderId: string;
  state: HoldState;
  lines: StockLine[];
}

/** Holds: one row for each order that was ever asked for, tombstones included. */
@Injectable()
export class HoldsRepository {
  /** Locks holds in the order of their ids; an order nobody asked for yet has no entry. */
  async forUpdate(tx: Tx, orderIds: string[]): Promise<Map<string, Hold>> {
    const rows = await tx.rows<Hold & Record<string, unknown>>(FOR_UPDATE, [orderIds]);
    return new Map(rows.map((hold) => [hold.orderId, hold]));
  }

  /** Stores new holds. Throws, to be run again, when another transaction stored one of them since it was looked for. */
  async add(tx: Tx, holds: Hold[]): Promise<void> {
    if (holds.length === 0) return;
    const added = await tx.run(ADD, [
      holds.map((h) => h.orderId),
      holds.map((h) => h.state),
      holds.map((h) => JSON.stringify(h.lines)),
    ]);
    if (added < holds.length) throw new Raced();
  }

  /** Writes the new states of locked holds; their lines never change. */
  update(tx: Tx, holds: Hold[]): void {
    if (holds.length > 0) tx.write(UPDATE, [holds.map((h) => h.orderId), holds.map((h) => h.state)]);
  }
}

/** What is not there cannot be locked. The code is PostgreSQL's "serialization failure": whoever sees it runs the set again. */
class Raced extends Error {
  readonly code = SERIALIZATION_FAILURE;

  constructor() {
    super('another transaction was told about one of these orders at the same moment');
  }
}

const FOR_UPDATE = sql(
  'inventory.holds.for-update',
  `SELECT order_id AS "orderId", state, lines FROM inventory.holds WHERE order_id = ANY($1::text[]) ORDER BY order_id FOR UPDATE`,
);

const ADD = sql(
  'inventory.holds.add',
  `INSERT INTO inventory.holds (order_id, state, lines)
   SELECT o, s, l::jsonb FROM unnest($1::text[], $2::text[], $3::text[]) u(o, s, l) ORDER BY o COLLATE "C" ON CONFLICT DO NOTHING`,
);

const UPDATE = sql(
  'inventory.holds.update',
  `UPDATE inventory.holds h SET state = u.s, updated_at = now() FROM unnest($1::text[], $2::text[]) u(o, s) WHERE h.order_id = u.o`,
);
