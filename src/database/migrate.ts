import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { Storage } from './data-sources.js';

/** Any number; all of us agree on it. Held by the session, so that a killed process lets go. */
const LOCK = 7_326_001;

/** Brings the schemas up to date under a lock: replicas that start together wait for each other, and one migrates. */
export async function migrate(source: DataSource, storages: Storage[]): Promise<void> {
  const runner = source.createQueryRunner();
  await runner.connect();
  try {
    // A migration may wait for a lock, and this session for another replica's migrations, longer than a request may.
    await runner.query('SET lock_timeout = 0; SET statement_timeout = 0');
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    for (const { schema } of storages) await runner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    const ran = await source.runMigrations();
    if (ran.length > 0) new Logger('Database').log(`migrated: ${ran.map((m) => m.name).join(', ')}`);
    await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    await runner.query('RESET lock_timeout; RESET statement_timeout');
  } finally {
    await runner.release();
  }
}
