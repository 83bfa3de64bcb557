import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import type { Storage } from './data-sources.js';
import { DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE, sqlState } from './sql-state.js';

/** Any number; all of us agree on it. Held by the session, so that a killed process lets go. */
export const MIGRATION_LOCK = 7_326_001;

/** Where the names of the migrations stand that a database has seen; modules in one database share it. */
export const MIGRATIONS_TABLE = 'sanmon_migrations';

/** Takes a sentence about what a migration does or waits for. */
type Say = (sentence: string) => void;
const logged: Say = (sentence) => new Logger('Database').log(sentence);

/**
 * So long a migration waits for a lock of a table, and everybody who comes after it waits behind it. Then it lets them go and
 * tries again. Less than `deadlock_timeout` (1 s), so that in a circle it is the migration that gives way.
 */
const LOCK_MS = 800;
const ASK_AGAIN_MS = 250;
const SAY_EVERY = 10;
const IN_THE_WAY = [LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED];

/**
 * Brings the schemas up to date under a lock: replicas that start together wait for each other, and one migrates. Answers the
 * names of the migrations that it ran itself.
 */
export async function migrate(source: DataSource, storages: Storage[], say = logged): Promise<string[]> {
  const runner = source.createQueryRunner();
  await runner.connect();
  try {
    // A migration may take longer than a request may.
    await runner.query(`SET statement_timeout = 0; SET lock_timeout = ${LOCK_MS}`);
    await lock(runner, say);
    const before = await executed(runner);
    refuseNewer(storages, before);
    for (const { schema } of storages) await runner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    const executor = new MigrationExecutor(source, runner);
    executor.transaction = 'each';
    await untilNothingIsInTheWay(() => executor.executePendingMigrations(), say);
    const ran = (await executed(runner)).filter((name) => !before.includes(name));
    if (ran.length > 0) say(`migrated: ${ran.join(', ')}`);
    return ran;
  } finally {
    await runner.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
    await runner.query('RESET lock_timeout; RESET statement_timeout').catch(() => undefined);
    await runner.release();
  }
}

/** Whoever waits asks again and again: a statement that waits would hold a snapshot, and an index is not finished beside one. */
async function lock(runner: QueryRunner, say: Say): Promise<void> {
  for (let told = false; ; told = true) {
    const [{ ours }] = (await runner.query('SELECT pg_try_advisory_lock($1) AS ours', [MIGRATION_LOCK])) as [Taken];
    if (ours) return;
    if (!told) say('another process brings this database up to date: waiting for it');
    await sleep(ASK_AGAIN_MS);
  }
}

/** Each migration is a transaction of its own, or may be made anew: what was done stays done. */
async function untilNothingIsInTheWay(work: () => Promise<unknown>, say: Say): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (!IN_THE_WAY.includes(sqlState(error) ?? '')) throw error;
      if (attempt % SAY_EVERY === 1)
        say(`a migration waits for others to let go, and tries again: ${(error as Error).message}`);
      await sleep(ASK_AGAIN_MS);
    }
  }
}

interface Taken {
  ours: boolean;
}

/** The names of all migrations that this database has seen. */
async function executed(runner: QueryRunner): Promise<string[]> {
  if (!(await runner.hasTable(MIGRATIONS_TABLE))) return [];
  const rows = (await runner.query(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`)) as { name: string }[];
  return rows.map(({ name }) => name);
}

/**
 * Throws when a newer version of us has migrated one of these schemas: what it changed the meaning of, nobody here knows.
 * One that runs already may finish its work beside the newer one, because migrations only ever add (decision 0030).
 */
function refuseNewer(storages: Storage[], names: string[]): void {
  const unknown = storages.flatMap((storage) => newerThan(storage, names));
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
