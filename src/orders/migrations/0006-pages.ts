import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists are paged by the database's own time, newest first: everybody's, and a customer's. */
export class OrdersPages1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX orders_page_idx ON orders.orders (created_at, id)');
    await runner.query('CREATE INDEX orders_customer_page_idx ON orders.orders (customer_id, created_at, id)');
    await runner.query('DROP INDEX orders.orders_customer_id_idx');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX orders_customer_id_idx ON orders.orders (customer_id, id)');
    await runner.query('DROP INDEX orders.orders_customer_page_idx');
    await runner.query('DROP INDEX orders.orders_page_idx');
  }
}
