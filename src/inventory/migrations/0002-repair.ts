import type { MigrationInterface, QueryRunner } from 'typeorm';
import { repairTables } from '../../messaging/tables.js';

/** What the repair desk keeps about the messages of inventory. */
export class InventoryRepair1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of repairTables('inventory')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX inventory.inbox_aside_idx');
    await runner.query('DROP TABLE inventory.bulk_releases, inventory.repair_acts');
  }
}
