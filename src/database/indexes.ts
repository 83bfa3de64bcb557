import type { QueryRunner } from 'typeorm';

/**
 * Indexes of tables that are in use, made and dropped without keeping anybody from writing meanwhile. PostgreSQL does so outside
 * of transactions only (`transaction = false` in the migration), and what a migration began and did not end is begun anew.
 */
export async function buildIndex(runner: QueryRunner, index: string, on: string): Promise<void> {
  // One that was not finished is there and not valid.
  await dropIndex(runner, index);
  await runner.query(`CREATE INDEX CONCURRENTLY ${index.split('.')[1]} ON ${on}`);
}

export async function dropIndex(runner: QueryRunner, index: string): Promise<void> {
  await runner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`);
}
