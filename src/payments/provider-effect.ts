import { Logger } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { about } from '../messaging/about.js';
import type { Effect, EffectKind, Said } from '../messaging/effects/effect.js';
import type { PaymentEvent } from './payment-record.js';
import type { PaymentStory } from './payment-story.js';
import type { Answer, PaymentProvider, Refusal, Settled } from './providers/provider.js';

/** What became of a call, in the words of the payment's table. */
export type Result = Extract<PaymentEvent, { type: 'effect ok' | 'effect refused' }>;

/** What an effect carries: the call as the provider gets it, and how long to wait before the first attempt. */
export interface Ask<C> {
  call: C;
  afterMs?: number;
}

/** How one kind of call differs from the others. */
export interface Rules<C> {
  /** `payment-capture`, and so on. */
  kind: string;
  book(call: C, timeoutMs: number): Promise<Answer>;
  /** The reason of a refusal as the table understands it; nothing if the call must be made again. */
  refusal(reason: Refusal): Extract<Result, { reason: unknown }>['reason'] | undefined;
  /** After this an operation that is proven not to be booked is given up; unset = never. */
  deadlineMs?: number;
}

/** The longest an answer is waited for. A look-up and the call behind it share it, because the lease grows with it. */
export const CALL_TIMEOUT_MS = 5_000;
const LEAST_MS = 1_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000];
const ALARM_MS = 5 * 60_000;

/** A call to the provider as an effect: unknown is a state, and it is left by asking for the same key. */
export class ProviderEffect<C extends { key: string }> implements EffectKind<Ask<C>, Result> {
  readonly kind: string;
  readonly concurrency = 64;
  readonly timeoutMs = CALL_TIMEOUT_MS + LEAST_MS;
  private readonly logger = new Logger('Payments');

  constructor(
    private readonly rules: Rules<C>,
    private readonly provider: PaymentProvider,
    private readonly story: PaymentStory,
  ) {
    this.kind = rules.kind;
  }

  async attempt(effect: Effect<Ask<C>>): Promise<Said<Result>> {
    const { call, afterMs } = effect.body;
    if (afterMs && effect.attempts === 0) return { again: 'refused before' };
    const until = performance.now() + CALL_TIMEOUT_MS;
    // A process that was killed in its first attempt may have booked it, too: then the token has moved on.
    if (effect.attempts > 0 || effect.token > 1) {
      const found = await this.provider.find(call.key, CALL_TIMEOUT_MS);
      if (found.booked === 'unknown') return this.again(effect, found.why);
      if (found.booked) return this.settled(effect, found.answer);
      if (this.isOver(effect)) return { done: { type: 'effect refused', reason: 'payment-unavailable' } };
    }
    const answer = await this.rules.book(call, Math.max(until - performance.now(), LEAST_MS));
    return answer.outcome === 'unknown' ? this.again(effect, answer.why) : this.settled(effect, answer);
  }

  async settle(tx: Tx, settled: { effect: Effect<Ask<C>>; result: Result }[]): Promise<void> {
    await this.story.advance(
      tx,
      settled.map(({ effect, result }) => ({ orderId: effect.key, event: result, trace: effect.trace })),
    );
  }

  delay({ attempts, ageMs, body: { afterMs } }: Effect<Ask<C>>): number {
    if (afterMs && attempts === 0) return afterMs;
    const step = RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)]!;
    const left = (this.rules.deadlineMs ?? Infinity) - ageMs;
    // `ageMs` is as of the beginning of an attempt that may have taken its whole time.
    return left > 0 ? Math.min(step, Math.max(left - CALL_TIMEOUT_MS, LEAST_MS)) : step;
  }

  /** Time spent waiting for a first attempt is not held against a payment. */
  private isOver({ attempts, ageMs }: Effect<Ask<C>>): boolean {
    return attempts > 0 && ageMs >= (this.rules.deadlineMs ?? Infinity);
  }

  private settled(effect: Effect<Ask<C>>, answer: Settled): Said<Result> {
    if (answer.outcome === 'ok') return { done: { type: 'effect ok', reference: answer.reference } };
    const reason = this.rules.refusal(answer.reason);
    if (reason !== answer.reason) this.alarm(effect, `was refused: ${answer.reason}`);
    return reason ? { done: { type: 'effect refused', reason } } : { again: answer.reason };
  }

  private again(effect: Effect<Ask<C>>, why: string): Said<Result> {
    if (effect.ageMs >= ALARM_MS)
      this.alarm(effect, `is unknown for ${Math.round(effect.ageMs / 60_000)} minutes: ${why}`);
    return { again: why };
  }

  private alarm({ key, trace, body }: Effect<Ask<C>>, what: string): void {
    this.logger.error(`${body.call.key} ${what}`, about({ key, trace }));
  }
}
