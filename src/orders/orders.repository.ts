import { Injectable } from '@nestjs/common';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { Order, OrderLine, OrderState } from './index.js';
import { Feed } from './live/feed.js';
import { PlacedOrder, type TimelineEntry } from './order.js';
import type { Ending } from './story.js';

/** One line of the timeline as the contract shows it. */
export interface TimelineView {
  sequence: number;
  type: string;
  at: string;
  detail: Record<string, unknown>;
}

/** The queries the use cases of orders need: sets in and out, one statement per table. */
@Injectable()
export class OrdersRepository {
  constructor(private readonly feed: Feed) {}

  /** Stores new orders with the first entry of each, and gives them their times. */
  async add(tx: Tx, orders: PlacedOrder[], entries: TimelineEntry[]): Promise<void> {
    if (orders.length === 0) return;
    const views = orders.map((o) => o.view);
    tx.write(ADD, [
      views.map((v) => v.id),
      views.map((v) => v.customerId),
      views.map((v) => v.email),
      views.map((v) => v.currency),
      views.map((v) => JSON.stringify(v.lines)),
      views.map((v) => v.total),
      views.map((v) => v.paymentMethod),
      views.map((v) => v.locale),
      views.map((v) => v.note ?? null),
    ]);
    const at = (await tx.at()).toISOString();
    for (const view of views) view.createdAt = view.updatedAt = at;
    this.tell(tx, orders, entries);
  }

  /** Locks orders in the order of their ids, as every set does, so that sets never wait in a circle. */
  async forUpdate(tx: Tx, ids: string[], cancelWindowHours: number): Promise<Map<string, PlacedOrder>> {
    const rows = await tx.rows<OrderRecord>(FOR_UPDATE, [ids, cancelWindowHours]);
    return new Map(rows.map((row) => [row.id, fromRecord(row)]));
  }

  async find(tx: Tx, ids: string[]): Promise<Map<string, Order>> {
    const rows = await tx.rows<OrderRecord>(FIND, [ids]);
    return new Map(rows.map((row) => [row.id, toView(row)]));
  }

  /** Writes what the story changed. */
  async update(tx: Tx, orders: PlacedOrder[], entries: TimelineEntry[]): Promise<void> {
    if (orders.length === 0) return;
    tx.write(UPDATE, [
      orders.map((o) => o.view.id),
      orders.map((o) => o.view.state),
      orders.map((o) => o.view.reason ?? null),
      orders.map((o) => o.view.version),
      orders.map((o) => o.hidden.ending ?? null),
      orders.map((o) => o.hidden.paymentUndone),
      orders.map((o) => o.hidden.stockUndone),
    ]);
    const at = (await tx.at()).toISOString();
    for (const { view } of orders) view.updatedAt = at;
    this.tell(tx, orders, entries);
  }

  private tell(tx: Tx, orders: PlacedOrder[], entries: TimelineEntry[]): void {
    const customers = new Map(orders.map(({ view }) => [view.id, view.customerId]));
    this.feed.tell(
      tx,
      entries.map((entry) => ({ ...entry, customerId: customers.get(entry.orderId)! })),
    );
  }

  async timelines(tx: Tx, ids: string[]): Promise<Map<string, TimelineView[]>> {
    const rows = await tx.rows<{ order_id: string; sequence: number; type: string; at: Date; detail: object }>(
      TIMELINES,
      [ids],
    );
    const found = new Map<string, TimelineView[]>(ids.map((id) => [id, []]));
    for (const { order_id, sequence, type, at, detail } of rows)
      found.get(order_id)!.push({ sequence, type, at: at.toISOString(), detail: detail as Record<string, unknown> });
    return found;
  }
}

/** A row of `orders.orders` as ORDER_COLUMNS reads it. */
export interface OrderRecord extends Record<string, unknown> {
  id: string;
  state: OrderState;
  customer_id: string;
  email: string;
  currency: string;
  lines: OrderLine[];
  total: number;
  reason: string | null;
  payment_method: string;
  locale: 'en' | 'ja';
  note: string | null;
  version: number;
  ending: Ending | null;
  payment_undone: boolean;
  stock_undone: boolean;
  window_over: boolean;
  created_at: Date;
  updated_at: Date;
}

export const toView = (row: OrderRecord): Order => ({
  id: row.id,
  state: row.state,
  customerId: row.customer_id,
  email: row.email,
  currency: row.currency,
  lines: row.lines,
  total: row.total,
  ...(row.reason !== null && { reason: row.reason }),
  paymentMethod: row.payment_method,
  locale: row.locale,
  ...(row.note !== null && { note: row.note }),
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

const fromRecord = (row: OrderRecord): PlacedOrder =>
  new PlacedOrder(toView(row), {
    ending: row.ending ?? undefined,
    paymentUndone: row.payment_undone,
    stockUndone: row.stock_undone,
    windowOver: row.window_over,
  });

/** What `toView` needs. */
export const ORDER_COLUMNS = `id, state, customer_id, email, currency, lines, total::float8 AS total, reason, payment_method, locale, note, version,
  ending, payment_undone, stock_undone, created_at, updated_at`;

const ADD = sql(
  'orders.add',
  `INSERT INTO orders.orders (id, state, customer_id, email, currency, lines, total, payment_method, locale, note, version)
   SELECT i, 'PLACED', c, e, u, l::jsonb, t, p, o, n, 1
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[])
       x(i, c, e, u, l, t, p, o, n)`,
);

const FOR_UPDATE = sql(
  'orders.for-update',
  `SELECT ${ORDER_COLUMNS}, coalesce(confirmed_at < now() - make_interval(secs => $2::float8 * 3600), false) AS window_over
     FROM orders.orders WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE`,
);

const FIND = sql(
  'orders.find',
  `SELECT ${ORDER_COLUMNS}, false AS window_over FROM orders.orders WHERE id = ANY($1::text[])`,
);

const UPDATE = sql(
  'orders.update',
  `UPDATE orders.orders o SET state = u.s, reason = u.r, version = u.v, ending = u.e, payment_undone = u.pu, stock_undone = u.su,
          updated_at = now(), confirmed_at = CASE WHEN u.s = 'CONFIRMED' THEN coalesce(o.confirmed_at, now()) ELSE o.confirmed_at END
     FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::bool[], $7::bool[]) u(i, s, r, v, e, pu, su)
    WHERE o.id = u.i`,
);

const TIMELINES = sql(
  'orders.timelines',
  `SELECT order_id, sequence, type, at, detail FROM orders.timeline WHERE order_id = ANY($1::text[]) ORDER BY order_id, sequence`,
);
