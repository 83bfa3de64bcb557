import type { OnModuleDestroy } from '@nestjs/common';
import { Failure } from '../failure.js';
import type { Buckets, Grant } from './buckets.js';

/** How much of its rate a caller has left. */
export interface Budget {
  perSecond: number;
  /** Calls that would be let in now, as far as this process knows. */
  left: number;
}

/** What this process may let in without asking again, for a moment. */
interface Share {
  calls: number;
  left: number;
  until: number;
  empty: boolean;
}

/** Calls taken out of a bucket and not used are lost, so few are taken at once, and kept for long enough to matter. */
const SHARES_PER_SECOND = 20;
const KEEP_MS = 250;
const FORGET_MS = 60_000;

/**
 * The rate of each caller over all gates and all processes on one database. A process takes a twentieth of a second's
 * calls at a time, so a busy caller costs some 20 small statements a second, and many callers at once cost one.
 */
export class RateLimit implements OnModuleDestroy {
  private readonly shares = new Map<string, Share>();
  private readonly timer: NodeJS.Timeout;
  private wanted = new Map<string, number>();
  private next?: Promise<void>;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    readonly perSecond: number,
    private readonly buckets: Buckets,
  ) {
    this.timer = setInterval(() => this.forget(), FORGET_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Counts one call; throws `exhausted` when the caller has used up its rate. */
  async take(principal: string): Promise<Budget> {
    for (;;) {
      const share = this.shares.get(principal);
      if (share && share.until > performance.now()) {
        if (share.calls > 0) return { perSecond: this.perSecond, left: share.left + --share.calls };
        if (share.empty) throw tooFast(this.perSecond);
      }
      await this.share(principal);
    }
  }

  /** The same for a set, each by itself: undefined = let in. */
  async takeEach(principals: string[]): Promise<(Failure | undefined)[]> {
    const refusal = (error: unknown): Failure => {
      if (error instanceof Failure) return error;
      throw error;
    };
    return Promise.all(principals.map((one) => this.take(one).then(() => undefined, refusal)));
  }

  /** Asks for a share; all who ask while a statement is on its way are asked for with the next one. */
  private share(principal: string): Promise<void> {
    this.wanted.set(principal, (this.wanted.get(principal) ?? 0) + 1);
    this.next ??= this.running.then(
      () => this.ask(),
      () => this.ask(),
    );
    return this.next;
  }

  private ask(): Promise<void> {
    const chunk = Math.ceil(this.perSecond / SHARES_PER_SECOND);
    const asked = new Map([...this.wanted].map(([name, calls]) => [name, Math.max(chunk, calls)]));
    this.wanted = new Map();
    this.next = undefined;
    const asking = this.buckets.take(asked).then((grants) => {
      for (const [name, grant] of grants) this.keep(name, asked.get(name)!, grant);
    });
    this.running = asking;
    return asking;
  }

  private keep(name: string, asked: number, { granted, left }: Grant): void {
    const empty = granted < asked;
    // An empty bucket is asked again when it can have something, but a slow rate must not be asked at every call.
    const keep = empty ? Math.min(1_000, Math.max(1_000 / this.perSecond, KEEP_MS / 5)) : KEEP_MS;
    this.shares.set(name, { calls: granted, left, empty, until: performance.now() + keep });
  }

  private forget(): void {
    const now = performance.now();
    for (const [name, { until }] of this.shares) if (until < now) this.shares.delete(name);
    // Of no consequence: what is not forgotten now is forgotten in a minute.
    this.buckets.forget().catch(() => undefined);
  }
}

const tooFast = (perSecond: number): Failure =>
  new Failure('exhausted', 'rate-limit-exceeded', `This caller may make ${perSecond} calls a second.`, {
    retryAfter: 1,
  });
