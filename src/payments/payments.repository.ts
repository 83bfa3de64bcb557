import { Injectable } from '@nestjs/common';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { PaymentRecord } from './payment-record.js';

const COLUMNS = `id, order_id AS "orderId", customer_id AS "customerId", state, effect, undo, currency, amount::float8,
  refunded::float8, refunding::float8, refunds, provider, reference, reason, created_at AS "createdAt", updated_at AS "updatedAt"`;

const LOCK = sql(
  'payments.lock',
  `SELECT ${COLUMNS} FROM payments.payments WHERE order_id = ANY($1::text[]) ORDER BY order_id FOR UPDATE`,
);

// A tombstone is nobody's payment: it only remembers that there must be none.
const FIND = sql(
  'payments.find',
  `SELECT ${COLUMNS} FROM payments.payments WHERE id = ANY($1::text[]) AND customer_id <> ''`,
);

const INSERT = sql(
  'payments.insert',
  `INSERT INTO payments.payments (id, order_id, customer_id, state, effect, undo, currency, amount, provider)
   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::bigint[],
     $9::text[]) u(id, order_id) ORDER BY order_id`,
);

const UPDATE = sql(
  'payments.update',
  `UPDATE payments.payments p SET state = u.state, effect = u.effect, undo = u.undo, refunded = u.refunded,
          refunding = u.refunding, refunds = u.refunds, reference = u.reference, reason = u.reason, updated_at = now()
     FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::bigint[], $7::int[], $8::text[], $9::text[])
          u(id, state, effect, undo, refunded, refunding, refunds, reference, reason)
    WHERE p.id = u.id`,
);

const INSERTED = ['id', 'orderId', 'customerId', 'state', 'effect', 'undo', 'currency', 'amount', 'provider'] as const;
const UPDATED = [
  ...['id', 'state', 'effect', 'undo', 'refunded', 'refunding', 'refunds', 'reference', 'reason'],
] as (keyof PaymentRecord)[];

const columns = (names: readonly (keyof PaymentRecord)[], payments: PaymentRecord[]): unknown[] =>
  names.map((name) => payments.map((payment) => payment[name]));

/** The statements over `payments.payments`. */
@Injectable()
export class PaymentsRepository {
  /** The payments of these orders, locked; an order without one is left out. */
  lock(tx: Tx, orderIds: string[]): Promise<PaymentRecord[]> {
    return tx.rows<Row>(LOCK, [orderIds]);
  }

  /** The payments with these ids. */
  find(tx: Tx, ids: string[]): Promise<PaymentRecord[]> {
    return tx.rows<Row>(FIND, [ids]);
  }

  /** Writes payments that are not there yet. One of an order that has one is a unique violation, never left out. */
  insert(tx: Tx, payments: PaymentRecord[]): void {
    if (payments.length > 0) tx.write(INSERT, columns(INSERTED, payments));
  }

  /** Writes payments that were locked, each once. */
  update(tx: Tx, payments: PaymentRecord[]): void {
    if (payments.length > 0) tx.write(UPDATE, columns(UPDATED, payments));
  }
}

type Row = PaymentRecord & Record<string, unknown>;
