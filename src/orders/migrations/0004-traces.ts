import type { MigrationInterface, QueryRunner } from 'typeorm';
import { traceColumns } from '../../messaging/tables.js';

/** The trace that calls to the outside and timers of orders belong to. */
export class OrdersTraces1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of traceColumns('orders')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders.effects DROP COLUMN trace');
    await runner.query('ALTER TABLE orders.timers DROP COLUMN headers');
  }
}
