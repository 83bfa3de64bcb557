import type { MigrationInterface, QueryRunner } from 'typeorm';
import { repairTables } from '../../messaging/tables.js';

/** What the repair desk keeps about the messages of orders. */
export class OrdersRepair1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of repairTables('orders')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX orders.inbox_aside_idx');
    await runner.query('DROP TABLE orders.bulk_releases, orders.repair_acts');
  }
}
