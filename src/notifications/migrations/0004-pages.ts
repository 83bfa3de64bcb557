import type { MigrationInterface, QueryRunner } from 'typeorm';
import { buildIndex, dropIndex } from '../../database/indexes.js';

/** Lists are paged by the database's own time, newest first: everybody's, and a customer's. */
export class NotificationsPages1700000000004 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await buildIndex(runner, 'notifications.notifications_page_idx', 'notifications.notifications (at, id)');
    await buildIndex(
      runner,
      'notifications.notifications_customer_page_idx',
      'notifications.notifications (customer_id, at, id)',
    );
    await dropIndex(runner, 'notifications.notifications_customer_id_idx');
  }

  async down(runner: QueryRunner): Promise<void> {
    await buildIndex(
      runner,
      'notifications.notifications_customer_id_idx',
      'notifications.notifications (customer_id, id)',
    );
    await dropIndex(runner, 'notifications.notifications_customer_page_idx');
    await dropIndex(runner, 'notifications.notifications_page_idx');
  }
}
