import type { Client } from 'pg';
import { rowsOf } from './postgres.js';

/**
 * Replaces schemas of one database by windows on those of another one, so that what a house says in several databases can
 * be held against each other by one query. A schema that the other does not have is left alone.
 */
export async function seenFrom(url: string, there: string, schemas: string[]): Promise<void> {
  const { hostname, port, pathname, username, password } = new URL(there);
  const server = `at_${pathname.slice(1)}`;
  const text = (value: string): string => `'${decodeURIComponent(value).replaceAll("'", "''")}'`;
  const found = await rowsOf<{ name: string }>(
    there,
    'SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY($1::text[])',
    [schemas],
  );
  await rowsOf(
    url,
    `CREATE EXTENSION IF NOT EXISTS postgres_fdw;
     CREATE SERVER IF NOT EXISTS ${server} FOREIGN DATA WRAPPER postgres_fdw
       OPTIONS (host ${text(hostname)}, port ${text(port || '5432')}, dbname ${text(pathname.slice(1))});
     CREATE USER MAPPING IF NOT EXISTS FOR CURRENT_USER SERVER ${server}
       OPTIONS (user ${text(username)}, password ${text(password)});
     ${found
       .map(
         ({ name }) =>
           `DROP SCHEMA IF EXISTS ${name} CASCADE; CREATE SCHEMA ${name}; IMPORT FOREIGN SCHEMA ${name} FROM SERVER ${server} INTO ${name};`,
       )
       .join('\n')}`,
  );
}

/** What grows without bound and no claim is about. */
const LEFT_THERE = /^(seen|feed|calls|repair_acts|bulk_releases|buckets)/;

/**
 * Copies what {@link seenFrom} shows to where the question is asked, and answers how a query is put to the copies: claims about
 * every order would otherwise ask the other database once for each. Where nothing is elsewhere queries stay as they are.
 */
export async function broughtNear(client: Client): Promise<(query: string) => string> {
  const { rows } = await client.query<{ schema: string; name: string; keyed: boolean }>(
    `SELECT n.nspname AS schema, c.relname AS name,
            EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'order_id') AS keyed
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'f'`,
  );
  const schemas = [...new Set(rows.map(({ schema }) => schema))];
  if (schemas.length === 0) return (query) => query;
  const copies = rows
    .filter(({ name }) => !LEFT_THERE.test(name))
    .map(({ schema, name, keyed }) => {
      const copy = `near_${schema}.${name}`;
      const index = keyed ? `CREATE INDEX ON ${copy} (order_id);` : '';
      return `CREATE UNLOGGED TABLE ${copy} AS SELECT * FROM ${schema}.${name}; ${index}`;
    });
  const anew = schemas.map((schema) => `DROP SCHEMA IF EXISTS near_${schema} CASCADE; CREATE SCHEMA near_${schema};`);
  await client.query([...anew, ...copies].join('\n'));
  return (query) => query.replace(new RegExp(`\\b(${schemas.join('|')})\\.`, 'g'), 'near_$1.');
}
