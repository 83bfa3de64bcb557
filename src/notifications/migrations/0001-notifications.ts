import type { MigrationInterface, QueryRunner } from 'typeorm';
import { messagingTables } from '../../messaging/tables.js';

/** The first tables of notifications: its message path and what people were told. */
export class Notifications1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of messagingTables('notifications')) await runner.query(statement);
    // The list shows how often one that is still pending was tried, which its effect knows. "C" as our
    // ids are: an index in another collation is no help in comparing with them.
    await runner.query(`CREATE INDEX effects_key_idx ON notifications.effects (key COLLATE "C")`);
    await runner.query(`CREATE TABLE notifications.notifications (
      id text COLLATE "C" PRIMARY KEY,
      order_id text COLLATE "C" NOT NULL, customer_id text COLLATE "C" NOT NULL,
      kind text NOT NULL CHECK (kind IN ('CONFIRMED', 'REJECTED', 'CANCELLED')),
      channel text NOT NULL DEFAULT 'EMAIL' CHECK (channel IN ('EMAIL', 'WEBHOOK')),
      "to" text NOT NULL, subject text NOT NULL CHECK (subject !~ '[\\r\\n]'), text text NOT NULL, html text,
      state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'SENT', 'FAILED')),
      attempts integer NOT NULL DEFAULT 0 CHECK ((state = 'PENDING') = (attempts = 0) AND attempts >= 0),
      at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT notifications_once UNIQUE (order_id, kind))
      WITH (fillfactor = 85)`);
    await runner.query(`CREATE INDEX notifications_customer_id_idx ON notifications.notifications (customer_id, id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA notifications CASCADE');
    await runner.query('CREATE SCHEMA notifications');
  }
}
