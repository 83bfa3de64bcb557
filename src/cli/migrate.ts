import { Client } from 'pg';
import { parseArgs } from 'node:util';
import { withoutSecrets } from '../boot-report.js';
import { settingsOrExit } from '../config/settings-or-exit.js';
import { dataSourceFor } from '../database/data-sources.js';
import { migrate as migrateSchemas } from '../database/migrate.js';
import { type SchemaState, schemaStates } from '../database/schema-state.js';
import { ALL_STORAGES, commonDatabase, type Place, placesOf } from '../databases.js';

/** `sanmon migrate`: what a start does before it opens its gates, and no more. Does not wait for a database. */
export async function migrate(words: string[]): Promise<number> {
  parseArgs({ args: words });
  return everyPlace(async ({ url, storages }) => {
    const source = await dataSourceFor(url, storages, 2).initialize();
    try {
      const ran = await migrateSchemas(source, storages, (sentence) => console.log(`  ${sentence}`));
      if (ran.length === 0) console.log('  nothing to do');
    } finally {
      await source.destroy();
    }
    return true;
  });
}

/** `sanmon migrate status`: changes nothing. */
export async function migrateStatus(words: string[]): Promise<number> {
  parseArgs({ args: words });
  return everyPlace(async (place) => {
    const states = await statesAt(place);
    for (const state of states) console.log(`  ${state.schema.padEnd(14)}${sentenceOf(state)}`);
    return states.every(({ pending, unknown }) => pending.length + unknown.length === 0);
  });
}

/** What is known of the schemas at one place, asked over a connection that ends with the question. */
async function statesAt({ url, storages }: Pick<Place, 'url' | 'storages'>): Promise<SchemaState[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that is lost shows in the question; without a listener the event would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await schemaStates(client, storages, ALL_STORAGES);
  } finally {
    await client.end();
  }
}

/** Of one schema, for people. */
function sentenceOf({ applied, pending, unknown }: SchemaState): string {
  return [
    `${applied.length} applied`,
    pending.length > 0 ? `pending: ${pending.join(', ')}` : 'nothing pending',
    ...(unknown.length > 0 ? [`unknown, of a newer version than this: ${unknown.join(', ')}`] : []),
  ].join('; ');
}

/** One database after the other; 1 when `work` is content with one of them not. */
async function everyPlace(work: (place: Place) => Promise<boolean>): Promise<number> {
  const settings = settingsOrExit();
  const common = await commonDatabase(settings);
  try {
    let content = true;
    for (const place of placesOf(settings, common?.url)) {
      console.log(withoutSecrets(place.url));
      content = (await work(place)) && content;
    }
    return content ? 0 : 1;
  } finally {
    await common?.stop();
  }
}
