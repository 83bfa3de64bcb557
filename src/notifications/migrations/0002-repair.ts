import type { MigrationInterface, QueryRunner } from 'typeorm';
import { repairTables } from '../../messaging/tables.js';

/** What the repair desk keeps about the messages of notifications. */
export class NotificationsRepair1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of repairTables('notifications')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX notifications.inbox_aside_idx');
    await runner.query('DROP TABLE notifications.bulk_releases, notifications.repair_acts');
  }
}
