import { Client, DatabaseError, escapeIdentifier } from 'pg';
import { OWNER } from './settings.js';

const CONNECT_LIMIT_MS = 5_000;
const NO_SUCH_DATABASE = '3D000';
// Another start created it between our look and our attempt.
const ALREADY_THERE = ['42P04', '23505'];

/** The pid of the process on which the server at `url` depends, as that server tells. */
export async function ownerOf(url: string): Promise<number> {
  const [row] = await ask(url, 'postgres', `select current_setting('${OWNER}', true) as owner`);
  return Number(row?.['owner']);
}

/** Logs in to `database`, and creates it where it is missing. */
export async function ensureDatabase(url: string, database: string): Promise<void> {
  try {
    await ask(url, database, 'select 1');
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== NO_SUCH_DATABASE) throw error;
    await ask(url, 'postgres', `create database ${escapeIdentifier(database)}`).catch((failure: unknown) => {
      if (!(failure instanceof DatabaseError) || !ALREADY_THERE.includes(failure.code ?? '')) throw failure;
    });
  }
}

/** The address of one database of a server. */
export const urlOf = (server: string, database: string) => `${server}/${encodeURIComponent(database)}`;

async function ask(server: string, database: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: urlOf(server, database), connectionTimeoutMillis: CONNECT_LIMIT_MS });
  // A server that goes down meanwhile also fails the query, and that failure is the one we handle.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
