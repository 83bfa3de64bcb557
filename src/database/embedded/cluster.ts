import { chown, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.js';
import type { Credentials } from './credentials.js';
import { run, said } from './program.js';
import { dataArgument, type Account } from './run-as.js';
import { EmbeddedPostgresError, pass } from './trouble.js';

/** A directory with everything needed to serve it. */
export interface Cluster {
  directory: string;
  data: string;
  account: Account | undefined;
  binaries: Binaries;
  credentials: Credentials;
  settings: Record<string, string>;
  onLog: (line: string) => void;
}

const DRAFT = 'initdb-';

// The built-in provider sorts alike on every machine; no locale of the host is asked for.
const LOCALE = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];

/** Makes the cluster where there is none. Killed half-way it leaves no half a cluster: the data appear by a rename. */
export async function ensureCluster(cluster: Cluster): Promise<void> {
  const { directory, data, onLog } = cluster;
  if (await isCluster(data)) return;
  const begun = performance.now();
  const draft = await mkdtemp(join(directory, DRAFT));
  try {
    await initialise(cluster, draft);
    // Another start may have been quicker: its cluster has the same password and is as good.
    await rename(draft, data).catch(pass('ENOTEMPTY', 'EEXIST'));
    await flush(directory);
    onLog(`made a new cluster in ${data} in ${Math.round(performance.now() - begun)} ms`);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // A quicker start removes our draft, under initdb's feet.
    if (!(await isCluster(data))) throw error;
  }
  await removeDrafts(directory);
}

const isCluster = (data: string) => stat(join(data, 'PG_VERSION')).catch(pass('ENOENT'));

/** Removes what killed starts have left, 39 MB each, and what slower ones still make in vain. */
async function removeDrafts(directory: string): Promise<void> {
  const drafts = (await readdir(directory)).filter((name) => name.startsWith(DRAFT));
  const removed = drafts.map((name) => rm(join(directory, name), { recursive: true, force: true, maxRetries: 3 }));
  // One that resists, because its initdb is still writing, is removed by that start itself.
  await Promise.allSettled(removed);
}

async function initialise({ account, binaries, credentials }: Cluster, draft: string): Promise<void> {
  if (account) await chown(draft, account.uid, account.gid);
  const args = ['-D', dataArgument(draft, account), '-U', credentials.user, '-A', 'scram-sha-256', ...LOCALE];
  // By its environment, for arguments can be read by everyone; the file is a pipe, for the data directory must be empty.
  const script = 'printf %s "$PASSWORD" | "$@" --pwfile=/dev/stdin';
  try {
    await run('/bin/sh', ['-c', script, 'sh', binaries.initdb, ...args, '--no-instructions'], {
      account,
      cwd: draft,
      environment: { PASSWORD: credentials.password },
    });
  } catch (error) {
    throw new EmbeddedPostgresError(`initdb failed in ${draft}: ${said(error)}`);
  }
}

/** The rename must outlive a power cut as surely as the first commit will. */
async function flush(directory: string): Promise<void> {
  const handle = await open(directory);
  await handle.sync().finally(() => handle.close());
}
