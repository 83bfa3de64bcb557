import { randomBytes } from 'node:crypto';
import { access, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, EmbeddedPostgresError, pass } from './trouble.js';

/** What embedded.json keeps: how to log in, and the port that served last. */
export interface Credentials {
  user: string;
  password: string;
  port?: number;
}

const USER = 'sanmon';

/** The file of the credentials, readable by its owner only. */
export const credentialsFile = (directory: string) => join(directory, 'embedded.json');

/** Reads the credentials, or makes them where there is no cluster yet. Starts at the same time get the same ones. */
export async function credentialsIn(directory: string, data: string): Promise<Credentials> {
  // In this order: a start beside this one writes the credentials first and the data after them.
  const clusterExists = await access(data).then(() => true, pass('ENOENT'));
  const kept = await read(directory);
  if (kept) return kept;
  if (clusterExists) throw lost(directory, data);
  const draft = await written(directory, { user: USER, password: randomBytes(24).toString('base64url') });
  // A link, unlike a rename, never replaces what another start has put there.
  await link(draft, credentialsFile(directory)).catch(pass('EEXIST'));
  await rm(draft);
  return (await read(directory))!;
}

/** Keeps the port for the next start. */
export async function keepPort(directory: string, credentials: Credentials, port: number): Promise<void> {
  if (credentials.port === port) return;
  await rename(await written(directory, { ...credentials, port }), credentialsFile(directory));
}

async function read(directory: string): Promise<Credentials | undefined> {
  try {
    return JSON.parse(await readFile(credentialsFile(directory), 'utf8')) as Credentials;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new EmbeddedPostgresError(
      `${credentialsFile(directory)} cannot be read: ${(error as Error).message}`,
      `start as its owner; to begin anew, delete ${directory}`,
    );
  }
}

async function written(directory: string, credentials: Credentials): Promise<string> {
  const draft = `${credentialsFile(directory)}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flush: true });
  return draft;
}

function lost(directory: string, data: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `${data} holds a cluster, but its password is gone with ${credentialsFile(directory)}`,
    `restore that file; to begin anew, delete ${directory}`,
  );
}
