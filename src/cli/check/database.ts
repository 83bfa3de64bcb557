import { Client } from 'pg';
import { withoutSecrets } from '../../boot-report.js';
import type { Settings } from '../../config/settings.js';
import { ALL_STORAGES, commonDatabase, type Place, placesOf } from '../../databases.js';
import { schemaStates } from '../../database/schema-state.js';
import { clock, connections, durability, rights, schemas, version } from './database.looks.js';
import { type Finding, looked } from './finding.js';

/** Every distinct database of this process, each with a connection of its own. */
export async function databaseFindings(settings: Settings): Promise<Finding[]> {
  return looked(
    'database',
    'Set DATABASE_URL, or see what the embedded server needs in docs/operations.md',
    async () => {
      const common = await commonDatabase(settings);
      try {
        const found: Finding[] = [];
        for (const place of placesOf(settings, common?.url)) found.push(...(await at(place, settings)));
        return found;
      } finally {
        await common?.stop();
      }
    },
  );
}

/** The usual cause when a question is refused. */
const RIGHTS = 'See that this user owns its database';

function at({ url, modules, storages }: Place, settings: Settings): Promise<Finding[]> {
  const where = `${withoutSecrets(url)} (${modules.join(', ')})`;
  return looked('database', `Nothing answers at ${where}: see that it runs and lets us in`, async () => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, statement_timeout: 10_000 });
    // A connection that is lost shows in the next question; without a listener the event would end the process.
    client.on('error', () => undefined);
    await client.connect();
    try {
      const looks: Record<string, () => Promise<Finding>> = {
        database: () => version(client, where),
        rights: () => rights(client, storages),
        durability: () => durability(client),
        connections: () => connections(client, needed(settings, modules)),
        clock: () => clock(client),
        schema: async () => schemas(await schemaStates(client, storages, ALL_STORAGES)),
      };
      const found: Finding[] = [];
      for (const [about, look] of Object.entries(looks)) found.push(...(await looked(about, RIGHTS, look)));
      return found;
    } finally {
      await client.end();
    }
  });
}

/** What one process opens at most: its pool, one that listens, and the ledger of a sandbox beside it. */
const needed = ({ DATABASE_POOL_SIZE, PAYMENT_SANDBOX_URL }: Settings, modules: string[]): number =>
  DATABASE_POOL_SIZE + 1 + (modules.includes('payments') && !PAYMENT_SANDBOX_URL ? 8 : 0);
