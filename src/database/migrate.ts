import { Logger } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Storage } from './data-sources.js';

/** Any number; all of us agree on it. Held by the session, so that a killed process lets go. */
export const MIGRATION_LOCK = 7_326_001;

/** Where the names of the migrations stand that a database has seen; modules in one database share it. */
export const MIGRATIONS_TABLE = 'sanmon_migrations';

/** Brings the schemas up to date under a lock: replicas that start together wait for each other, and one migrates. */
export async function migrate(source: DataSource, storages: Storage[]): Promise<void> {
  const logger = new Logger('Database');
  const runner = source.createQueryRunner();
  await runner.connect();
  try {
    // A migration may wait for a lock, and this session for another replica's migrations, longer than a request may.
    await runner.query('SET lock_timeout = 0; SET statement_timeout = 0');
    await lock(runner, logger);
    for (const { schema } of storages) await runner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await refuseNewer(runner, storages);
    const ran = await source.runMigrations();
    if (ran.length > 0) logger.log(`migrated: ${ran.map((m) => m.name).join(', ')}`);
  } finally {
    await runner.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
    await runner.query('RESET lock_timeout; RESET statement_timeout').catch(() => undefined);
    await runner.release();
  }
}

async function lock(runner: QueryRunner, logger: Logger): Promise<void> {
  const [{ ours }] = (await runner.query('SELECT pg_try_advisory_lock($1) AS ours', [MIGRATION_LOCK])) as [Taken];
  if (ours) return;
  logger.log('another process brings this database up to date: waiting for it');
  await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
}

interface Taken {
  ours: boolean;
}

/**
 * Throws when a newer version of us has migrated one of these schemas: what it changed the meaning of, nobody here knows.
 * One that runs already may finish its work beside the newer one, because migrations only ever add (decision 0030).
 */
async function refuseNewer(runner: QueryRunner, storages: Storage[]): Promise<void> {
  if (!(await runner.hasTable(MIGRATIONS_TABLE))) return;
  const rows = (await runner.query(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`)) as { name: string }[];
  const unknown = storages.flatMap((storage) =>
    newerThan(
      storage,
      rows.map(({ name }) => name),
    ),
  );
  if (unknown.length > 0)
    throw new Error(
      `a newer version has changed this database, by ${unknown.join(', ')}: start that version, or go back with its migrations`,
    );
}

/** The migrations of this schema, by their names, that this version does not have. */
export function newerThan({ schema, migrations }: Storage, executed: string[]): string[] {
  const known = new Set(migrations.map(({ name }) => name));
  // Their names begin with that of their schema: OrdersLive1700000000003.
  return executed.filter((name) => name.toLowerCase().startsWith(schema) && !known.has(name));
}
