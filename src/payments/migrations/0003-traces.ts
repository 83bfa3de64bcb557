import type { MigrationInterface, QueryRunner } from 'typeorm';
import { traceColumns } from '../../messaging/tables.js';

/** The trace that calls to the outside and timers of payments belong to. */
export class PaymentsTraces1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of traceColumns('payments')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE payments.effects DROP COLUMN trace');
    await runner.query('ALTER TABLE payments.timers DROP COLUMN headers');
  }
}
