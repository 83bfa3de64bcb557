import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HouseProcess } from '../../support/process.js';

/** The value below which this share of an ascending list lies; 0 for an empty one. */
export const percentile = (ascending: number[], share: number): number =>
  Math.round(ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0);

/** The memory of a process over time, as Linux counts it (resident set, MB). */
export class MemoryLog {
  readonly samples: { at: number; mb: number }[] = [];
  private running = true;
  private readonly working: Promise<void>;

  constructor(
    private readonly house: HouseProcess,
    everyMs = 1_000,
  ) {
    this.working = this.work(everyMs);
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.working;
  }

  /** MB gained a minute by least squares over the samples between two moments. */
  slope(from = 0, to = Infinity): number {
    const some = this.samples.filter(({ at }) => at >= from && at < to);
    const mean = (of: (s: { at: number; mb: number }) => number) =>
      some.reduce((sum, s) => sum + of(s), 0) / some.length;
    const [t, m] = [mean((s) => s.at), mean((s) => s.mb)];
    const over = some.reduce((sum, s) => sum + (s.at - t) * (s.mb - m), 0);
    const under = some.reduce((sum, s) => sum + (s.at - t) ** 2, 0);
    return under === 0 ? 0 : Math.round((over / under) * 60_000 * 100) / 100;
  }

  get highest(): number {
    return Math.round(Math.max(...this.samples.map(({ mb }) => mb)));
  }

  private async work(everyMs: number): Promise<void> {
    while (this.running) {
      const mb = residentMb(this.house);
      if (mb !== undefined) this.samples.push({ at: performance.now(), mb });
      await sleep(everyMs);
    }
  }
}

/** Undefined where there is no /proc, or no process. */
export function residentMb(house: HouseProcess): number | undefined {
  try {
    const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${house.pid}/status`, 'utf8')) ?? [];
    return Number(kb) / 1_024;
  } catch {
    return undefined;
  }
}
