import type { MigrationInterface, QueryRunner } from 'typeorm';
import { messagingTables } from '../../messaging/tables.js';

/** The first tables of orders: its message path, the orders and their timelines. */
export class Orders1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of messagingTables('orders')) await runner.query(statement);
    await runner.query(`CREATE TABLE orders.orders (
      id text COLLATE "C" PRIMARY KEY,
      state text NOT NULL CHECK (state IN ('PLACED', 'AUTHORISED', 'RESERVED', 'CONFIRMED', 'CLOSING', 'REJECTED', 'CANCELLED')),
      customer_id text NOT NULL, email text NOT NULL, currency text NOT NULL, lines jsonb NOT NULL,
      total bigint NOT NULL CHECK (total BETWEEN 0 AND 1000000000000),
      reason text, payment_method text NOT NULL, locale text NOT NULL, note text, version integer NOT NULL,
      ending text CHECK (ending IN ('REJECTED', 'CANCELLED')),
      payment_undone boolean NOT NULL DEFAULT false, stock_undone boolean NOT NULL DEFAULT false,
      confirmed_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now())
      WITH (fillfactor = 80)`);
    await runner.query(`CREATE INDEX orders_customer_id_idx ON orders.orders (customer_id, id)`);
    await runner.query(`CREATE TABLE orders.timeline (
      order_id text COLLATE "C" NOT NULL, sequence integer NOT NULL, type text NOT NULL, detail jsonb NOT NULL,
      at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (order_id, sequence))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA orders CASCADE');
    await runner.query('CREATE SCHEMA orders');
  }
}
