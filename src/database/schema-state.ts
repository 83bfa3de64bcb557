import type { ClientBase } from 'pg';
import type { Storage } from './data-sources.js';
import { MIGRATIONS_TABLE, newerThan } from './migrate.js';

/** How far a database has followed the migrations of one schema, by their names. */
export interface SchemaState {
  schema: string;
  applied: string[];
  pending: string[];
  /** Applied by a newer version than this one: we do not know what they did. */
  unknown: string[];
}

/** The state of each storage of this process, and of each other one of `known` of which a newer version left something. */
export async function schemaStates(client: ClientBase, storages: Storage[], known: Storage[]): Promise<SchemaState[]> {
  const applied = await appliedIn(client);
  return known
    .map((storage) => ({
      schema: storage.schema,
      applied: storage.migrations.map(({ name }) => name).filter((name) => applied.includes(name)),
      pending: storage.migrations.map(({ name }) => name).filter((name) => !applied.includes(name)),
      unknown: newerThan(storage, applied),
    }))
    .filter(({ schema, unknown }) => unknown.length > 0 || storages.some((its) => its.schema === schema));
}

async function appliedIn(client: ClientBase): Promise<string[]> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('public.${MIGRATIONS_TABLE}') IS NOT NULL AS found`,
  );
  if (!tables[0]!.found) return [];
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM public.${MIGRATIONS_TABLE} ORDER BY id`);
  return rows.map(({ name }) => name);
}
