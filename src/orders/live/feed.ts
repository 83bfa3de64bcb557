import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { sql } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import type { TimelineEntry } from '../order.js';

/** A timeline entry on its way into the feed. */
export interface ToldEntry extends TimelineEntry {
  customerId: string;
}

/** Sets that one pass numbers at most: 10 ms. */
const SETS = 1_000;
const KEPT_DAYS = 7;
const PRUNED_AT_ONCE = 5_000;

/**
 * Where timelines are written and numbered. Entries committed together are one row of the feed; its numbers are given in a
 * second transaction, one at a time in the whole database, so that whoever sees a position sees every lower one.
 */
@Injectable()
export class Feed {
  /** Called after every commit that wrote to the feed. */
  onTold: () => void = () => undefined;
  private readonly told = () => this.onTold();

  constructor(private readonly database: Database) {}

  /** Writes timeline entries in the caller's transaction, all of them with one statement before its COMMIT. */
  tell(tx: Tx, entries: ToldEntry[]): void {
    tx.collect(this, entries, (all) => ({
      statement: TELL,
      values: [
        all.map((e) => e.orderId),
        all.map((e) => e.sequence),
        all.map((e) => e.type),
        all.map((e) => JSON.stringify(e.detail)),
        all.map((e) => e.customerId),
        all.map((e) => e.trace ?? null),
      ],
      then: () => tx.afterCommit(this.told),
    }));
  }

  /** Gives positions to what was committed since; answers whether there is more. */
  async number(): Promise<boolean> {
    const [numbered] = await this.database.script<{ sets: number }>(NUMBER);
    return numbered!.sets === SETS;
  }

  /** Forgets what is older than 7 days, a piece at a time; answers whether there is more. */
  async prune(): Promise<boolean> {
    const [pruned] = await this.database.rows<{ sets: number }>(PRUNE, [KEPT_DAYS, PRUNED_AT_ONCE]);
    return pruned!.sets === PRUNED_AT_ONCE;
  }
}

// The id is drawn when the rows of its orders are locked, so ids of one order rise as its entries do.
const TELL = sql(
  'orders.tell',
  `WITH fed AS (
     INSERT INTO orders.feed (n, order_ids, sequences, customer_ids)
     VALUES (cardinality($1::text[]), $1, $2, $5::text[]) RETURNING id)
   INSERT INTO orders.timeline (order_id, sequence, type, detail, trace, feed_id, place)
   SELECT o, s, t, d::jsonb, r, fed.id, u.place
     FROM fed, unnest($1::text[], $2::int[], $3::text[], $4::text[], $6::text[]) WITH ORDINALITY u(o, s, t, d, r, place)`,
);

// Two statements, so that the second sees what the last holder of the lock committed. Without fresh rows nothing is written.
const NUMBER = `SELECT pg_advisory_xact_lock(hashtext('orders.feed'));
  WITH fresh AS MATERIALIZED (
    SELECT id, n FROM orders.feed WHERE upto IS NULL ORDER BY id LIMIT ${SETS}),
  counted AS (SELECT id, sum(n) OVER (ORDER BY id) AS upto FROM fresh),
  head AS (
    UPDATE orders.feed_head SET position = position + (SELECT sum(n) FROM fresh)
     WHERE EXISTS (SELECT 1 FROM fresh) RETURNING position - (SELECT sum(n) FROM fresh) AS before),
  numbered AS (
    UPDATE orders.feed f SET upto = head.before + counted.upto FROM counted, head WHERE f.id = counted.id RETURNING 1)
  SELECT count(*)::int AS sets FROM numbered`;

const PRUNE = sql(
  'orders.feed.prune',
  `WITH gone AS (
     DELETE FROM orders.feed WHERE at < now() - make_interval(days => $1::int) AND id = ANY(ARRAY(
       SELECT id FROM orders.feed WHERE upto IS NOT NULL ORDER BY upto LIMIT $2)) RETURNING upto),
   head AS (UPDATE orders.feed_head SET floor = greatest(floor, (SELECT max(upto) FROM gone)) WHERE EXISTS (SELECT 1 FROM gone))
   SELECT count(*)::int AS sets FROM gone`,
);
