import type { Logger } from '@nestjs/common';
import { isConnectionError } from '../../database/database.js';
import { uuidv7 } from '../../uuid.js';
import { about } from '../about.js';
import type { AnyEffectKind, Effect, Said } from './effect.js';
import { spanTime, type TellSpan } from '../spans.js';
import { hop, isSampled } from '../trace.js';

/** What a lease has beyond the time of one attempt: for waiting in memory, and for settling. */
export const SLACK_MS = 5_000;
const SETTLE_SET = 200;
/** What comes here is begun within this, as fast as calls go now: well within the slack of a lease. */
const SOON_MS = 2_000;
/** How long a call is taken to last before one has been made, and at least: no memory for 2,000 letters of a quick server. */
const CALL_MS = { first: 500, least: 50 };

export interface Settled {
  effect: Effect<unknown>;
  said: Said<unknown>;
  tookMs: number;
}

/** Runs the calls of one kind, so many at once, and settles their outcomes in sets: one in hand, the next gathering. */
export class EffectRunner {
  private waiting: { effect: Effect<unknown>; until: number }[] = [];
  private under = 0;
  /** How long calls last now: each counts for a thirty-second of it. */
  private callMs = CALL_MS.first;
  private settled: Settled[] = [];
  private settling?: Promise<void>;
  private stopping = false;

  constructor(
    readonly kind: AnyEffectKind,
    private readonly to: {
      settle: (settled: Settled[]) => Promise<void>;
      /** Lets what is more urgent go first; outcomes gather meanwhile. */
      turn: () => Promise<void>;
      /** Half of the room is free. */
      roomy: () => void;
    },
    private readonly logger: Logger,
    private readonly tell?: TellSpan,
  ) {}

  /** How many more can begin here soon, and so may be leased to this process: a lease must not run out while they wait. */
  room(): number {
    return this.stopping ? 0 : Math.max(0, this.size() - this.under - this.waiting.length);
  }

  run(effects: Effect<unknown>[]): void {
    // One that could not begin in time is dropped here: its lease runs out and the sweep finds it again.
    const until = performance.now() + SLACK_MS - 1_000;
    for (const effect of effects) this.waiting.push({ effect, until });
    this.begin();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.waiting = [];
    while (this.under > 0 || this.settling) await (this.settling ?? new Promise((resolve) => setTimeout(resolve, 20)));
  }

  private size(): number {
    return Math.ceil(this.kind.concurrency * (1 + SOON_MS / Math.max(this.callMs, CALL_MS.least)));
  }

  private begin(): void {
    while (this.under < this.kind.concurrency && !this.stopping) {
      const next = this.waiting.shift();
      if (!next) return;
      if (next.until < performance.now()) continue;
      this.under++;
      void this.attempt(...this.within(next.effect));
    }
  }

  /** The effect within a span of its own, which what comes of it names as its cause, and what tells the span. */
  private within(effect: Effect<unknown>): [Effect<unknown>, ((said: Said<unknown>) => void)?] {
    const { tell, kind } = this;
    const { id, key, attempts, trace: parent } = effect;
    if (!tell || !isSampled(parent)) return [effect];
    const self = hop(parent, uuidv7());
    const attributes = { 'sanmon.effect.id': id, 'sanmon.effect.key': key, 'sanmon.effect.attempts': attempts };
    const span = { name: kind.kind, kind: 'client', self, parent, began: spanTime(), attributes } as const;
    return [{ ...effect, trace: self }, (said) => tell({ ...span, ...('again' in said && { failed: said.again }) })];
  }

  private async attempt(effect: Effect<unknown>, tellOf?: (said: Said<unknown>) => void): Promise<void> {
    let said: Said<unknown>;
    const began = performance.now();
    try {
      said = await this.kind.attempt(effect);
    } catch (error) {
      const { key, trace } = effect;
      this.logger.error(
        `${this.kind.kind} ${key}: ${(error as Error).message}`,
        (error as Error).stack,
        about({ key, trace }),
      );
      said = { again: (error as Error).message };
    }
    tellOf?.(said);
    const tookMs = performance.now() - began;
    this.callMs += (tookMs - this.callMs) / 32;
    this.under--;
    this.settled.push({ effect, said, tookMs });
    this.settling ??= this.settleAll().finally(() => (this.settling = undefined));
    this.begin();
    if (this.room() >= this.size() / 2) this.to.roomy();
  }

  private async settleAll(): Promise<void> {
    // Outcomes that arrive in the same turn of the event loop go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.settled.length > 0) {
      await this.to.turn();
      await this.settleSet(this.settled.splice(0, SETTLE_SET));
    }
  }

  /** A set that throws is settled one by one; one that still throws keeps its lease, and is asked for by key later. */
  private async settleSet(set: Settled[]): Promise<void> {
    try {
      await this.to.settle(set);
    } catch (error) {
      if (set.length === 1 || isConnectionError(error))
        this.logger.error(
          `${this.kind.kind} is not settled and comes again: ${(error as Error).message}`,
          (error as Error).stack,
        );
      else for (const one of set) await this.settleSet([one]);
    }
  }
}
