import { lchown, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { binariesFor } from './binaries.js';
import { ensureCluster, type Cluster } from './cluster.js';
import { credentialsFile, credentialsIn, keepPort } from './credentials.js';
import { ensureDatabase, urlOf } from './database.js';
import { keepRunning } from './revival.js';
import { accountFor, type Account } from './run-as.js';
import { serve, serverUrl, type Server } from './server.js';
import { logFile } from './supervisor.js';

/** A PostgreSQL that runs for us. */
export interface EmbeddedPostgres {
  /** postgres://user:password@127.0.0.1:port/database */
  url: string;
  /** The absolute path under which everything lies. */
  directory: string;
  /** Stops the server that this start owns; an adopted server is its owner's to stop, and this does nothing. */
  stop(): Promise<void>;
}

/** How to start it. */
export interface EmbeddedOptions {
  /** Where data, log and credentials lie; deleting it is beginning anew. */
  directory: string;
  /** Created if missing; `sanmon` unless given. */
  database?: string;
  /** Further settings of PostgreSQL, as in postgresql.conf. */
  settings?: Record<string, string>;
  /** Who runs PostgreSQL when we are root, e.g. the caller of sudo; `postgres` or `nobody` unless given. */
  owner?: Account;
  /** Where root puts a copy of the programs if that account cannot reach them; /var/lib/sanmon unless given. */
  staging?: string;
  /** Hears what the launcher does. PostgreSQL itself writes to postgres.log in the directory. */
  onLog?: (line: string) => void;
}

const STAGING = '/var/lib/sanmon';
const TRIES = 3;

/**
 * Starts a real PostgreSQL over `directory` and creates the database if it is missing.
 *
 * It ends with this process, however that ends, and is started anew, at the same address, if it dies alone. A second
 * start on the same directory adopts the running server: same URL, but it loses its database when the owner stops.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const begun = performance.now();
  const cluster = await prepare(options);
  await ensureCluster(cluster);
  const { directory, data, onLog } = cluster;
  const { database = 'sanmon' } = options;
  const server = await serving(cluster, database);
  if (server.own) await settle(cluster, server.port, options.owner);
  const how = server.own ? 'started' : 'adopted the running server';
  onLog(`${how} on 127.0.0.1:${server.port} in ${Math.round(performance.now() - begun)} ms, data in ${data}`);
  return { url: urlOf(serverUrl(cluster, server.port), database), directory, stop: keepRunning(cluster, server) };
}

/** A server with the database. One that goes away between the two (adopted in its last moment) is given up for another. */
async function serving(cluster: Cluster, database: string): Promise<Server> {
  for (let tries = TRIES; ; tries--) {
    const server = await serve(cluster);
    try {
      await ensureDatabase(serverUrl(cluster, server.port), database);
      return server;
    } catch (error) {
      await server.own?.stop();
      if (tries === 1) throw error;
    }
  }
}

async function prepare(options: EmbeddedOptions): Promise<Cluster> {
  const { settings = {}, onLog = () => undefined } = options;
  const directory = resolve(options.directory);
  const data = join(directory, 'data');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const account = await accountFor(data, options.owner);
  const staging = account ? (options.staging ?? STAGING) : directory;
  const binaries = await binariesFor(account, staging);
  const credentials = await credentialsIn(directory, data);
  return { directory, data, account, binaries, credentials, settings, onLog };
}

/** Keeps the port for the next start, and gives our files to the caller of sudo, who may start without it next time. */
async function settle(cluster: Cluster, port: number, owner: Account | undefined): Promise<void> {
  const { directory, account, credentials } = cluster;
  await keepPort(directory, credentials, port);
  if (!account || account.uid !== owner?.uid) return;
  for (const path of [directory, credentialsFile(directory), logFile(directory)])
    await lchown(path, owner.uid, owner.gid);
}
