import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists are paged by the database's own time, newest first: everybody's, and a customer's. */
export class PaymentsPages1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX payments_page_idx ON payments.payments (created_at, id)');
    await runner.query('CREATE INDEX payments_customer_page_idx ON payments.payments (customer_id, created_at, id)');
    await runner.query('DROP INDEX payments.payments_customer_idx');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX payments_customer_idx ON payments.payments (customer_id, id)');
    await runner.query('DROP INDEX payments.payments_customer_page_idx');
    await runner.query('DROP INDEX payments.payments_page_idx');
  }
}
