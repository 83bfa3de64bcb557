import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { launch, type Server } from './server.js';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Starts a server of ours anew, at the same address, whenever it dies by itself (kill -9, out of memory).
 * Gives the way to stop it for good; that of an adopted server does nothing.
 */
export function keepRunning(cluster: Cluster, { port, own }: Server): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function revived() {
    for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        const next = await launch(cluster, port);
        if (next) return next;
      } catch (error) {
        cluster.onLog((error as Error).message);
      }
      await sleep(pause, undefined, { ref: false, signal }).catch(() => undefined);
    }
    return undefined;
  }

  async function watch() {
    while (own && !signal.aborted) {
      await own.end;
      if (signal.aborted) return;
      cluster.onLog('the server died, starting it anew');
      own = await revived();
    }
  }

  const watching = watch();
  return async () => {
    stopping.abort();
    await own?.stop();
    // A revival may have been under way.
    await watching;
    await own?.stop();
  };
}
