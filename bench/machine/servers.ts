import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { createDatabase, dropDatabase } from '../../test/support/postgres.js';
import { startRabbitMq } from '../../test/support/rabbitmq.js';
import { isAlive, killLeftover } from '../../test/support/remains.js';

// Nothing that weakens a guarantee: what is acknowledged is on disk. Commit times are kept for every candidate alike,
// because the log of commits is what tells when an order was confirmed. Checkpoints are spread wide, so that a run of
// seconds does not meet one by chance.
const POSTGRES = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  track_commit_timestamp: 'on',
  max_connections: '300',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
};

/** How many starts of applications one run may have: each gets a virtual host of its own, 20 ms at the broker's boot. */
const MOST_STARTS = 120;

/** PostgreSQL and RabbitMQ of the bench's own; every start of a candidate gets a fresh database and virtual host. */
export interface Servers {
  readonly databasePid: number;
  readonly brokerPid: number;
  /** In words, for the head of the report. */
  readonly versions: string;
  /** An empty database, or a copy of one that nobody uses. */
  database(name: string, template?: string): Promise<string>;
  drop(name: string): Promise<void>;
  /** The address of a virtual host that nobody has used. */
  vhost(): string;
  stop(): Promise<void>;
}

/** Brings both up under this directory, which is emptied first. About 5 s. */
export async function startServers(directory: string): Promise<Servers> {
  takeOver(directory);
  const vhosts = Array.from({ length: MOST_STARTS }, (_, i) => `bench-${i}`);
  const [postgres, broker] = await Promise.all([
    startEmbeddedPostgres({ directory: join(directory, 'postgres'), database: 'postgres', settings: POSTGRES }),
    startRabbitMq({ directory: join(directory, 'rabbitmq'), vhosts, ways: ['installed', 'apt'] }),
  ]);
  if (broker.pid === undefined) throw new Error('The broker is no process of this machine, so nobody can see its CPU.');
  const stop = async () => {
    await Promise.allSettled([postgres.stop(), broker.stop()]);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const rabbitVersion = await broker.ctl('version').catch(() => 'of unknown version');
  return {
    databasePid: Number(readFileSync(join(directory, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]),
    brokerPid: broker.pid,
    versions: `${await postgresVersion(postgres.url)}, RabbitMQ ${rabbitVersion.trim()}`,
    database: (name, template) => createDatabase(postgres.url, name, template),
    drop: (name) => dropDatabase(postgres.url, name),
    vhost: () => {
      const next = vhosts.shift();
      if (!next) throw new Error(`more than ${MOST_STARTS} starts in one run`);
      return broker.url(next);
    },
    stop,
  };
}

/** Empties what an earlier run left; two runs at once would measure each other. */
function takeOver(directory: string): void {
  const owner = join(directory, 'owner');
  const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : undefined;
  if (pid !== undefined && isAlive(pid)) throw new Error(`Another bench runs in ${directory}: process ${pid}.`);
  killLeftover(join(directory, 'rabbitmq'));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(owner, String(process.pid));
}

async function postgresVersion(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  return `PostgreSQL ${rows[0]!.server_version}`;
}
