import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataSource, type EntitySchema, type Logger as TypeOrmLogger, type MigrationInterface } from 'typeorm';
import { isConnectionError } from './database.js';
import { migrate, MIGRATIONS_TABLE } from './migrate.js';

/** What a module stores: its schema bears its name. */
export interface Storage {
  schema: string;
  // A schema takes in and gives out its entity, so that those of several entities have only `any` in common.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  entities: EntitySchema<any>[];
  migrations: (new () => MigrationInterface)[];
}

const RETRY_MS = 1_000;

const nothing = (): void => undefined;
/** TypeORM writes to the console in a form of its own, between our lines; all that matters of it comes as an error. */
const SILENT: TypeOrmLogger = {
  ...{ logQuery: nothing, logQueryError: nothing, logQuerySlow: nothing },
  ...{ logSchemaBuild: nothing, logMigration: nothing, log: nothing },
};

/** A pool over one database for the modules that live there. Nothing waits for ever: each wait has its time-out. */
export function dataSourceFor(url: string, storages: Storage[], poolSize = 24): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: storages.flatMap((s) => s.entities),
    migrations: storages.flatMap((s) => s.migrations),
    migrationsTableName: MIGRATIONS_TABLE,
    logger: SILENT,
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    poolSize,
    applicationName: 'sanmon',
    extra: {
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      // Statements that do not wait for each other leave together: half the system calls of a transaction.
      pipeline: true,
      // A plan made while a table was empty would read it whole for a minute (docs/decisions/0036).
      options:
        '-c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c timezone=UTC -c enable_seqscan=off',
    },
  });
}

/** Opens and migrates; a database that is not there yet is waited for, not died of. */
export async function opened(source: DataSource, storages: Storage[]): Promise<DataSource> {
  const logger = new Logger('Database');
  for (let waited = false; ; waited = true) {
    try {
      if (!source.isInitialized) await source.initialize();
      await migrate(source, storages);
      if (waited) logger.log('reached the database');
      return source;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      if (!waited) logger.warn(`waiting for the database: ${(error as Error).message}`);
      await sleep(RETRY_MS);
    }
  }
}
