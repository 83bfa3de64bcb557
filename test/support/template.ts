import { announce } from './announce.js';

type Migrations = { migrateAll?: (url: string) => Promise<void> };

/** Brings the template database to the product's newest schema; every test database is a copy of it. */
export async function migrateTemplate(url: string): Promise<void> {
  try {
    const { migrateAll } = (await import('../../src/database/migrate.js')) as Migrations;
    if (migrateAll) await migrateAll(url);
    else announce('src/database/migrate.ts exports no migrateAll(url): the template database stays empty');
  } catch (error) {
    throw new Error('The template database could not be migrated; no test can run without it.', { cause: error });
  }
}
