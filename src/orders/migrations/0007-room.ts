import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Room on its page for the next version of a row: half of its updates went elsewhere, each with an entry in every index. */
export class OrdersRoom1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders.orders SET (fillfactor = 50)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders.orders SET (fillfactor = 80)');
  }
}
