import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The trace each entry of a timeline belongs to, so that whoever is told of it live is told within that trace. */
export class OrdersTimelineTraces1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders.timeline ADD COLUMN trace text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders.timeline DROP COLUMN trace');
  }
}
