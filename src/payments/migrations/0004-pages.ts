import type { MigrationInterface, QueryRunner } from 'typeorm';
import { buildIndex, dropIndex } from '../../database/indexes.js';

/** Lists are paged by the database's own time, newest first: everybody's, and a customer's. */
export class PaymentsPages1700000000004 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await buildIndex(runner, 'payments.payments_page_idx', 'payments.payments (created_at, id)');
    await buildIndex(runner, 'payments.payments_customer_page_idx', 'payments.payments (customer_id, created_at, id)');
    await dropIndex(runner, 'payments.payments_customer_idx');
  }

  async down(runner: QueryRunner): Promise<void> {
    await buildIndex(runner, 'payments.payments_customer_idx', 'payments.payments (customer_id, id)');
    await dropIndex(runner, 'payments.payments_customer_page_idx');
    await dropIndex(runner, 'payments.payments_page_idx');
  }
}
