import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists are paged by the database's own time, newest first: everybody's, and a customer's. */
export class NotificationsPages1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX notifications_page_idx ON notifications.notifications (at, id)');
    await runner.query(
      'CREATE INDEX notifications_customer_page_idx ON notifications.notifications (customer_id, at, id)',
    );
    await runner.query('DROP INDEX notifications.notifications_customer_id_idx');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX notifications_customer_id_idx ON notifications.notifications (customer_id, id)');
    await runner.query('DROP INDEX notifications.notifications_customer_page_idx');
    await runner.query('DROP INDEX notifications.notifications_page_idx');
  }
}
