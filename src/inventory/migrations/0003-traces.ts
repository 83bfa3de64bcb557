import type { MigrationInterface, QueryRunner } from 'typeorm';
import { traceColumns } from '../../messaging/tables.js';

/** The trace that calls to the outside and timers of inventory belong to. */
export class InventoryTraces1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of traceColumns('inventory')) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE inventory.effects DROP COLUMN trace');
    await runner.query('ALTER TABLE inventory.timers DROP COLUMN headers');
  }
}
