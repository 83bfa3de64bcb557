import {
  allProcesses,
  kernelThreads,
  memoryOf,
  type Processes,
  secondsOf,
  stolenSeconds,
  treeOf,
} from './processes.js';

/** More than this much of a core used by others, and a run is not called. */
export const NOISE_LIMIT_CORES = 0.15;

/** Whose CPU is told apart: the first process of each tree. */
export interface Roots {
  app: number[];
  database: number;
  broker: number;
  load: number;
  /** The database's backend that serves the bench's own questions: it is no cost of an order. */
  observer?: number;
}

/** CPU seconds between two moments. */
export interface Usage {
  wallSeconds: number;
  app: number;
  database: number;
  broker: number;
  load: number;
  /** Cores that programs of others took, and the hypervisor. */
  noiseCores: number;
}

interface Reading {
  at: number;
  parts: Record<'app' | 'database' | 'broker' | 'load' | 'all', number>;
  stolen: number;
}

/** Reads the operating system's own accounting of the processes a run consists of. */
export class Meter {
  constructor(private readonly roots: Roots) {}

  /** Starts a window; what it answers closes it. */
  open(): () => Usage {
    const from = this.read();
    return () => {
      const to = this.read();
      const spent = (part: keyof Reading['parts']) => to.parts[part] - from.parts[part];
      const wallSeconds = to.at - from.at;
      const ours = spent('app') + spent('database') + spent('broker') + spent('load');
      const others = Math.max(0, spent('all') - ours) + Math.max(0, to.stolen - from.stolen);
      return {
        wallSeconds,
        app: spent('app'),
        database: spent('database'),
        broker: spent('broker'),
        load: spent('load'),
        noiseCores: others / wallSeconds,
      };
    };
  }

  /** Resident memory of the application's processes. */
  memory(): { nowMb: number; peakMb: number } {
    return memoryOf(treeOf(allProcesses(), this.roots.app));
  }

  private read(): Reading {
    const all = allProcesses();
    const { app, database, broker, load, observer } = this.roots;
    const observed = secondsOf(all, observer ? [observer] : []);
    const own = secondsOf(all, [process.pid]);
    return {
      at: performance.now() / 1_000,
      parts: {
        app: secondsOf(all, treeOf(all, app)),
        database: secondsOf(all, treeOf(all, [database])) - observed,
        broker: secondsOf(all, treeOf(all, [broker])),
        load: secondsOf(all, treeOf(all, [load])),
        all: everything(all) - observed - own,
      },
      stolen: stolenSeconds(),
    };
  }
}

function everything(all: Processes): number {
  const kernel = kernelThreads(all);
  return secondsOf(
    all,
    [...all.keys()].filter((pid) => !kernel.has(pid)),
  );
}
