import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The feed: one row for each set of timeline entries that was committed together, numbered afterwards (decision 0017).
 * `upto` is the position of its last entry; of an entry it is `upto - n + place`.
 */
export class OrdersLive1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE orders.feed (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, upto bigint, n integer NOT NULL,
      order_ids text[] NOT NULL, sequences integer[] NOT NULL, customer_ids text[] NOT NULL,
      at timestamptz NOT NULL DEFAULT now())
      WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0)`);
    await runner.query(`CREATE INDEX feed_fresh_idx ON orders.feed (id) WHERE upto IS NULL`);
    await runner.query(`CREATE INDEX feed_upto_idx ON orders.feed (upto) WHERE upto IS NOT NULL`);
    await runner.query(`CREATE TABLE orders.feed_head (
      only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), position bigint NOT NULL DEFAULT 0,
      floor bigint NOT NULL DEFAULT 0, epoch text NOT NULL)`);
    await runner.query(
      `INSERT INTO orders.feed_head (epoch) VALUES (left(replace(gen_random_uuid()::text, '-', ''), 12))`,
    );
    await runner.query('ALTER TABLE orders.timeline ADD COLUMN feed_id bigint, ADD COLUMN place integer');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders.timeline DROP COLUMN feed_id, DROP COLUMN place');
    await runner.query('DROP TABLE orders.feed, orders.feed_head');
  }
}
