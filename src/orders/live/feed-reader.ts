import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { sql } from '../../database/statement.js';
import type { Order } from '../index.js';
import { ORDER_COLUMNS, type OrderRecord, toView } from '../orders.repository.js';

/** One timeline entry at its place in the feed; 0 = told before the feed began, or longer ago than it reaches back. */
export interface FeedEntry {
  position: number;
  sequence: number;
  type: string;
  at: string;
  order: Order;
  /** The `traceparent` of what moved the order. */
  trace?: string;
}

/** Where the feed stands: `position` is the highest that is numbered, `floor` the highest that was forgotten. */
export interface Head {
  position: number;
  floor: number;
  epoch: string;
}

/** What somebody wants to hear of; `everything` is for those whose lists show every order. */
export interface Interests {
  orders: string[];
  customers: string[];
  everything: boolean;
}

const SETS = 200;

/** The queries of those who follow orders. */
@Injectable()
export class FeedReader {
  constructor(private readonly database: Database) {}

  async head(): Promise<Head> {
    const [head] = await this.database.rows<Head & Record<string, unknown>>(HEAD);
    return head!;
  }

  /** The next entries after a position that matter to these interests, and how far the feed was looked through. */
  async next(after: number, { orders, customers, everything }: Interests) {
    const rows = await this.database.rows<Partial<Row> & { upto: number; sets: number }>(NEXT, [
      after,
      SETS,
      orders,
      customers,
      everything,
    ]);
    const { upto, sets } = rows[0]!;
    return {
      entries: rows.flatMap((row) => (row.position == null ? [] : entry(row as Row))),
      upto,
      more: sets === SETS,
    };
  }

  /** What is told of these orders after one position and up to another, in the order of the feed. -1 = from the beginning. */
  async history(orders: string[], after: number, upto: number): Promise<FeedEntry[]> {
    return (await this.database.rows<Row>(HISTORY, [orders, after, upto])).map(entry);
  }

  /** The newest orders, of one customer or of all; without a limit every one of them. */
  async newest(customerId: string | undefined, limit?: number): Promise<string[]> {
    const rows = await this.database.rows<{ id: string }>(customerId === undefined ? NEWEST : NEWEST_OF, [
      limit ?? null,
      ...(customerId === undefined ? [] : [customerId]),
    ]);
    return rows.map(({ id }) => id);
  }
}

type Row = OrderRecord & { position: number; sequence: number; type: string; at: Date; trace: string | null };

const entry = (row: Row): FeedEntry => ({
  position: row.position,
  sequence: row.sequence,
  type: row.type,
  at: row.at.toISOString(),
  order: toView(row),
  trace: row.trace ?? undefined,
});

const HEAD = sql(
  'orders.feed.head',
  'SELECT position::float8 AS position, floor::float8 AS floor, epoch FROM orders.feed_head',
);

const NEXT = sql(
  'orders.feed.next',
  `WITH sets AS MATERIALIZED (
     SELECT upto, n, order_ids, sequences, customer_ids FROM orders.feed WHERE upto > $1::bigint ORDER BY upto LIMIT $2),
   matching AS (
     SELECT s.upto - s.n + e.place AS position, e.order_id, e.sequence
       FROM sets s, unnest(s.order_ids, s.sequences, s.customer_ids) WITH ORDINALITY e(order_id, sequence, customer_id, place)
      WHERE s.upto - s.n + e.place > $1::bigint
        AND ($5::boolean OR e.order_id IN (SELECT unnest($3::text[])) OR e.customer_id IN (SELECT unnest($4::text[])))),
   told AS (
     SELECT m.position::float8 AS position, t.sequence, t.type, t.at, t.trace, o.*
       FROM matching m JOIN orders.timeline t ON t.order_id = m.order_id AND t.sequence = m.sequence
       JOIN (SELECT ${ORDER_COLUMNS} FROM orders.orders) o ON o.id = m.order_id)
   SELECT s.upto, s.sets, told.*
     FROM (SELECT coalesce(max(upto), $1::bigint)::float8 AS upto, count(*)::int AS sets FROM sets) s LEFT JOIN told ON true
    ORDER BY told.position`,
);

const HISTORY = sql(
  'orders.feed.history',
  `SELECT coalesce(f.upto - f.n + t.place, 0)::float8 AS position, t.sequence, t.type, t.at, t.trace, o.*
     FROM orders.timeline t JOIN (SELECT ${ORDER_COLUMNS} FROM orders.orders) o ON o.id = t.order_id
     LEFT JOIN orders.feed f ON f.id = t.feed_id
    WHERE t.order_id = ANY($1::text[]) AND (f.id IS NULL OR f.upto <= $3::bigint)
      AND coalesce(f.upto - f.n + t.place, 0) > $2::bigint
    ORDER BY 1, t.order_id, t.sequence`,
);

const NEWEST = sql('orders.feed.newest', 'SELECT id FROM orders.orders ORDER BY created_at DESC, id DESC LIMIT $1');

const NEWEST_OF = sql(
  'orders.feed.newest-of',
  'SELECT id FROM orders.orders WHERE customer_id = $2 ORDER BY created_at DESC, id DESC LIMIT $1',
);
