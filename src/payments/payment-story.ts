import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Failure } from '../failure.js';
import { newId } from '../id.js';
import { Effects } from '../messaging/effects.js';
import { Outbox } from '../messaging/outbox.js';
import { bodyOf, EVENT_OF } from './payment-answers.js';
import { noPayment, type PaymentEvent, type PaymentRecord, type Step } from './payment-record.js';
import { advance } from './payment.js';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { PaymentsRepository } from './payments.repository.js';

/** Something that happened to the payment of an order. */
export interface Happening {
  orderId: string;
  event: PaymentEvent;
}

/** Takes payments through their table in sets: one lock, the steps in memory, one write for each table. */
@Injectable()
export class PaymentStory {
  private readonly logger = new Logger('Payments');

  constructor(
    private readonly payments: PaymentsRepository,
    private readonly outbox: Outbox,
    private readonly effects: Effects,
    @Inject(PAYMENTS_OPTIONS) private readonly options: PaymentsOptions,
  ) {}

  /** Answers for each happening why it was refused, or nothing. */
  async advance(tx: Tx, happenings: Happening[]): Promise<(Failure | undefined)[]> {
    const orderIds = [...new Set(happenings.map(({ orderId }) => orderId))];
    const before = new Map((await this.payments.lock(tx, orderIds)).map((p) => [p.orderId, p]));
    const after = new Map(before);
    const steps = happenings.map(({ orderId, event }) => {
      const step = advance(after.get(orderId) ?? noPayment(newId('pay'), orderId, this.options.provider.name), event);
      if (step.payment.state !== 'NONE') after.set(orderId, step.payment);
      return step;
    });
    const updatedAt = await this.write(tx, before, after);
    for (const step of steps) this.follow(tx, step, updatedAt.get(step.payment.id));
    return steps.map(({ refusal }) => refusal);
  }

  private async write(
    tx: Tx,
    before: Map<string, PaymentRecord>,
    after: Map<string, PaymentRecord>,
  ): Promise<Map<string, Date>> {
    const changed = [...after.values()].filter((payment) => before.get(payment.orderId) !== payment);
    await this.payments.insert(
      tx,
      changed.filter(({ orderId }) => !before.has(orderId)),
    );
    return this.payments.update(
      tx,
      changed.filter(({ orderId }) => before.has(orderId)),
    );
  }

  /** Says and starts what a step asks for; both are written before COMMIT, and calls begin after it. */
  private follow(tx: Tx, { payment, answers, start, refusal, alarm }: Step, updatedAt = payment.updatedAt): void {
    const trouble = alarm ?? (refusal?.code === 'story-bug' ? refusal.message : undefined);
    if (trouble) this.logger.error(trouble);
    for (const answer of answers)
      this.outbox.publish(tx, EVENT_OF[answer], [bodyOf(answer, { ...payment, updatedAt })]);
    if (!start) return;
    const { effect, ...body } = start;
    this.effects.start(tx, `payment-${effect}`, [{ key: payment.orderId, body }]);
  }
}
