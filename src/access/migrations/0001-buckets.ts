import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where replicas share the rates of their callers. Unlogged: after a crash everybody begins with a full bucket. */
export class AccessBuckets1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE UNLOGGED TABLE access.buckets (
      principal text COLLATE "C" PRIMARY KEY, tokens float8 NOT NULL, granted integer NOT NULL,
      at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 50)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE access.buckets');
  }
}
