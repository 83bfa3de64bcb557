import { announce } from '../../support/announce.js';

/** Draws that one number determines: the same seed draws the same, so a run can be repeated. */
export class Chance {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** A new seed, or the one in SANMON_FAULT_SEED; printed, because a failure is worth little without it. */
  static drawn(what: string): Chance {
    const seed = Number(process.env['SANMON_FAULT_SEED'] || Math.floor(Math.random() * 2 ** 31));
    announce(`${what}: SANMON_FAULT_SEED=${seed}`);
    return new Chance(seed);
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  /** Exponential, so that a kill may come at once after another. */
  around(meanMs: number): number {
    return -Math.log(1 - this.next()) * meanMs;
  }

  shuffled<T>(of: readonly T[]): T[] {
    const all = [...of];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [all[i], all[j]] = [all[j]!, all[i]!];
    }
    return all;
  }
}
