import type { MigrationInterface, QueryRunner } from 'typeorm';
import { buildIndex, dropIndex } from '../../database/indexes.js';

/** Lists are paged by the database's own time, newest first: everybody's, and a customer's. */
export class OrdersPages1700000000006 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await buildIndex(runner, 'orders.orders_page_idx', 'orders.orders (created_at, id)');
    await buildIndex(runner, 'orders.orders_customer_page_idx', 'orders.orders (customer_id, created_at, id)');
    await dropIndex(runner, 'orders.orders_customer_id_idx');
  }

  async down(runner: QueryRunner): Promise<void> {
    await buildIndex(runner, 'orders.orders_customer_id_idx', 'orders.orders (customer_id, id)');
    await dropIndex(runner, 'orders.orders_customer_page_idx');
    await dropIndex(runner, 'orders.orders_page_idx');
  }
}
