import type { MigrationInterface, QueryRunner } from 'typeorm';
import { traceColumns } from '../../messaging/tables.js';

/** The trace that calls to the outside and timers of notifications belong to. */
export class NotificationsTraces1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of traceColumns('notifications')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE notifications.effects DROP COLUMN trace');
    await runner.query('ALTER TABLE notifications.timers DROP COLUMN headers');
  }
}
