import type { Client } from 'pg';
import type { Storage } from '../../database/data-sources.js';
import type { SchemaState } from '../../database/schema-state.js';
import { fail, type Finding, ok, warn } from './finding.js';

const OLDEST = 15;
/** Times are judged by the database's clock; but the day of an id, and signed calls, are of ours. */
const SKEW_MS = { worth: 1_000, harmful: 30_000 };

async function row<T extends object>(client: Client, text: string, values: unknown[] = []): Promise<T> {
  return (await client.query<T>(text, values)).rows[0]!;
}

/** The server: new enough, and one that takes writes. */
export async function version(client: Client, where: string): Promise<Finding> {
  const { number, standby } = await row<{ number: number; standby: boolean }>(
    client,
    `SELECT current_setting('server_version_num')::int AS number, pg_is_in_recovery() AS standby`,
  );
  const says = `${where}: PostgreSQL ${Math.floor(number / 10_000)}.${number % 10_000}`;
  if (number < OLDEST * 10_000) return fail('database', says, `Version ${OLDEST} or newer is needed`);
  return standby ? fail('database', `${says}, a standby`, 'Name the primary') : ok('database', says);
}

/** What migrations need: to make schemas and the table they are listed in, and to own the schemas that are there. */
export async function rights(client: Client, storages: Storage[]): Promise<Finding> {
  const found = await row<{ who: string; base: string; makes: boolean; lists: boolean; strange: string[] }>(
    client,
    `SELECT current_user AS who, current_database() AS base,
            has_database_privilege(current_database(), 'CREATE') AS makes,
            has_schema_privilege('public', 'CREATE') AS lists,
            ARRAY(SELECT nspname::text FROM pg_namespace
                  WHERE nspname = ANY ($1) AND NOT pg_has_role(nspowner, 'USAGE')) AS strange`,
    [storages.map(({ schema }) => schema)],
  );
  const lacks = [
    !found.makes && 'may not make schemas',
    !found.lists && 'may not make a table in public',
    found.strange.length > 0 && `does not own ${found.strange.join(', ')}`,
  ].filter(Boolean);
  if (lacks.length === 0) return ok('rights', `${found.who} may make and change all it needs in ${found.base}`);
  return fail('rights', `${found.who} ${lacks.join(', ')}`, `ALTER DATABASE ${found.base} OWNER TO ${found.who}`);
}

/** What was acknowledged must be on disk. */
export async function durability(client: Client): Promise<Finding> {
  const { off } = await row<{ off: string[] }>(
    client,
    `SELECT ARRAY(SELECT name::text FROM pg_settings
                  WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off') AS off`,
  );
  if (off.length === 0) return ok('durability', 'a commit is on disk before it is answered');
  return fail('durability', `${off.join(', ')} off: an accepted order may be gone after a crash`, 'Turn it on');
}

/** Room for this process; its replicas need as much each. */
export async function connections(client: Client, needed: number): Promise<Finding> {
  const { free } = await row<{ free: number }>(
    client,
    `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS free`,
  );
  const says = `this process opens up to ${needed}, ${free} are free`;
  if (free >= needed) return ok('connections', says);
  return warn('connections', says, 'Fine if it runs already; else lower DATABASE_POOL_SIZE or raise max_connections');
}

/** How far the database's clock is from ours, to about half the time of the question. */
export async function clock(client: Client): Promise<Finding> {
  const asked = Date.now();
  const { theirs } = await row<{ theirs: number }>(
    client,
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS theirs`,
  );
  const answered = Date.now();
  const ahead = Math.round(theirs - (asked + answered) / 2);
  const says = `the database is ${Math.abs(ahead)} ms ${ahead < 0 ? 'behind' : 'ahead of'} us (± ${Math.ceil((answered - asked) / 2)} ms)`;
  if (Math.abs(ahead) < SKEW_MS.worth) return ok('clock', says);
  return (Math.abs(ahead) < SKEW_MS.harmful ? warn : fail)('clock', says, 'Set both by NTP');
}

/** How far the schemas are. What is pending is no failure: the next start does it. */
export function schemas(states: SchemaState[]): Finding {
  const counted = (which: 'unknown' | 'pending'): string =>
    states
      .filter((one) => one[which].length > 0)
      .map((one) => `${one[which].length} of ${one.schema}`)
      .join(', ');
  const [newer, behind] = [counted('unknown'), counted('pending')];
  if (newer)
    return fail('schema', `migrations of a newer version: ${newer}`, 'Start that version; see sanmon migrate status');
  if (behind) return warn('schema', `migrations to come: ${behind}`, 'The next start does it, or sanmon migrate');
  return ok('schema', `${states.map(({ schema }) => schema).join(', ')} are up to date`);
}
