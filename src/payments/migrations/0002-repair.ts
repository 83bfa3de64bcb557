import type { MigrationInterface, QueryRunner } from 'typeorm';
import { repairTables } from '../../messaging/tables.js';

/** What the repair desk keeps about the messages of payments. */
export class PaymentsRepair1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of repairTables('payments')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX payments.inbox_aside_idx');
    await runner.query('DROP TABLE payments.bulk_releases, payments.repair_acts');
  }
}
