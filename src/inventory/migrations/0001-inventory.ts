import type { MigrationInterface, QueryRunner } from 'typeorm';
import { messagingTables } from '../../messaging/tables.js';

/** The first tables of inventory: its message path, the items with their stock, and what is held for orders. */
export class Inventory1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of messagingTables('inventory')) await runner.query(statement);
    // Half of each page is left free: a popular item changes with every set, and a new version in its own page costs no index.
    await runner.query(`CREATE TABLE inventory.items (
      sku text COLLATE "C" PRIMARY KEY CHECK (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
      name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
      currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
      unit_price bigint NOT NULL CHECK (unit_price BETWEEN 0 AND 10000000000),
      available bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
      reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
      sold bigint NOT NULL DEFAULT 0 CHECK (sold >= 0),
      received bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND 1000000000000),
      version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      CONSTRAINT items_sum_check CHECK (available + reserved + sold = received))
      WITH (fillfactor = 50)`);
    await runner.query(`CREATE TABLE inventory.holds (
      order_id text COLLATE "C" PRIMARY KEY,
      state text NOT NULL CHECK (state IN ('HELD', 'REFUSED', 'SOLD', 'GONE')),
      lines jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array'),
      created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now())
      WITH (fillfactor = 80)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA inventory CASCADE');
    await runner.query('CREATE SCHEMA inventory');
  }
}
