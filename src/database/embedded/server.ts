import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { ownerOf } from './database.js';
import { freePort } from './port.js';
import { clearStalePid, isAlive, postmasterOf, type Postmaster } from './postmaster.js';
import { settingArguments } from './settings.js';
import { supervise, type Supervised } from './supervisor.js';
import { EmbeddedPostgresError } from './trouble.js';

/** A server that answers: ours, or (`own` undefined) one that another start owns. */
export interface Server {
  port: number;
  own?: Supervised;
}

// Long enough for the recovery after a crash.
const LIMIT_MS = 120_000;
const POLL_MS = 10;
const PAUSE_MS = 50;

// A server that lost a race ends with one of these; the next try finds the winner, a free port, or no orphans any more.
const WORTH_A_RETRY = /lock file "postmaster\.pid"|pre-existing shared memory block|could not (bind|create any TCP)/;

// The class of SQLSTATE.
const WRONG_CREDENTIALS = '28';

/** Starts the cluster's server, or finds the one that runs. */
export async function serve(cluster: Cluster): Promise<Server> {
  const deadline = performance.now() + LIMIT_MS;
  while (performance.now() < deadline) {
    const running = postmasterOf(cluster.data);
    if (running) {
      if (await adoptable(cluster, running)) return { port: running.port };
    } else {
      const port = await freePort(cluster.credentials.port);
      const own = await launch(cluster, port);
      if (own) return { port, own };
    }
    await sleep(PAUSE_MS);
  }
  throw new EmbeddedPostgresError(
    `the server of ${cluster.data} neither came up nor went away within ${LIMIT_MS / 1000} s`,
    `see postgres.log there; stop the process named in its postmaster.pid`,
  );
}

/** The address of the server itself, without a database. */
export function serverUrl({ credentials }: Cluster, port: number): string {
  return `postgres://${credentials.user}:${credentials.password}@127.0.0.1:${port}`;
}

/** Whether a running server is here to stay: it is not when its owner has died and it is about to follow. */
async function adoptable(cluster: Cluster, { port, ready }: Postmaster): Promise<boolean> {
  if (!ready) return false;
  try {
    return isAlive(await ownerOf(serverUrl(cluster, port)));
  } catch (error) {
    if (String((error as { code?: unknown }).code).startsWith(WRONG_CREDENTIALS)) throw error;
    return false;
  }
}

/** Starts a server on `port` and waits until it accepts connections; undefined when that is worth another try. */
export async function launch(cluster: Cluster, port: number): Promise<Supervised | undefined> {
  if (clearStalePid(cluster.data)) cluster.onLog('a stale postmaster.pid named an unrelated process: cleared');
  const own = supervise(cluster, settingArguments(port, cluster.settings));
  const deadline = performance.now() + LIMIT_MS;
  while (!own.ended() && performance.now() < deadline) {
    const running = postmasterOf(cluster.data);
    if (running?.ready && running.pid === own.pid) return own;
    await sleep(POLL_MS);
  }
  await own.stop();
  const log = own.log();
  if ((await own.end) === 'SIGKILL' || WORTH_A_RETRY.test(log)) return undefined;
  const why = log.trim().split('\n').slice(-6).join(' | ');
  throw new EmbeddedPostgresError(`the server of ${cluster.data} did not start: ${why}`);
}
