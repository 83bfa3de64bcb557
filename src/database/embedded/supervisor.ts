import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Cluster } from './cluster.js';
import { dataArgument, ENVIRONMENT } from './run-as.js';

/** A PostgreSQL whose life hangs on ours. */
export interface Supervised {
  pid: number | undefined;
  /** True once the process has ended. */
  ended(): boolean;
  /** Settles when the process has ended, with the signal that killed it if one did. */
  end: Promise<NodeJS.Signals | null>;
  /** What it has written to its log since it was started. */
  log(): string;
  /** A fast shutdown: sessions are cut, committed work is kept. */
  stop(): Promise<void>;
}

/**
 * PostgreSQL takes the place of the shell, so its pid is our child's. A watcher beside it reads a pipe from us: we
 * never write but when PostgreSQL has ended, so the end of the pipe means that we are dead, by kill -9 even.
 * The watcher is forked twice, for PostgreSQL would take the death of an unknown child for a crash. In the background
 * a shell's stdin is /dev/null, hence descriptor 3.
 */
const SCRIPT = `exec 3<&0
( ( read -r _ || kill -INT $$ ) <&3 2>/dev/null & )
exec "$@" 3<&- </dev/null`;

/** Where PostgreSQL writes its log. */
export const logFile = (directory: string) => join(directory, 'postgres.log');

type Child = ChildProcessByStdio<Socket, null, null>;

const LOG_LIMIT_BYTES = 10_000_000;
const SHUTDOWN_LIMIT_MS = 30_000;

/** Starts PostgreSQL in a session of its own, which a Ctrl-C for our process group does not reach. */
export function supervise(cluster: Cluster, args: string[]): Supervised {
  const log = openLog(logFile(cluster.directory));
  const child = spawned(cluster, args, log.descriptor);
  let ended = false;
  let failure = '';
  const end = new Promise<NodeJS.Signals | null>((settle) => {
    child.once('exit', (_code, signal) => settle(signal));
    child.once('error', (error) => {
      failure = error.message;
      settle(null);
    });
  }).finally(() => {
    ended = true;
    child.stdin.end('ended\n');
  });
  return {
    pid: child.pid,
    ended: () => ended,
    end,
    log: () => `${log.sinceOpened()}${failure}`,
    async stop() {
      if (ended) return;
      child.ref();
      child.kill('SIGINT');
      const impatience = setTimeout(() => child.kill('SIGQUIT'), SHUTDOWN_LIMIT_MS);
      await end.finally(() => clearTimeout(impatience));
    },
  };
}

function spawned({ account, binaries, data }: Cluster, args: string[], log: number): Child {
  const command = [binaries.postgres, '-D', dataArgument(data, account), ...args];
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...command], {
    ...account,
    cwd: data,
    env: ENVIRONMENT,
    detached: true,
    stdio: ['pipe', log, log],
  }) as Child;
  closeSync(log);
  child.stdin.on('error', () => undefined);
  // Neither may keep us from exiting: our exit ends PostgreSQL.
  child.unref();
  child.stdin.unref();
  return child;
}

function openLog(file: string) {
  const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size() > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
  const start = size();
  const sinceOpened = () => readFileSync(file).subarray(start).toString();
  return { descriptor: openSync(file, 'a', 0o600), sinceOpened };
}
