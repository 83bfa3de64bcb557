import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { newId } from '../id.js';
import { about } from '../messaging/about.js';
import { Effects } from '../messaging/effects/effects.js';
import { Outbox } from '../messaging/outbox/outbox.js';
import { bodyOf, EVENT_OF } from './payment-answers.js';
import { noPayment, type PaymentEvent, type PaymentRecord, type Step } from './payment-record.js';
import { advance } from './payment.js';
import { PAYMENTS_OPTIONS, type PaymentsOptions } from './payments.options.js';
import { PaymentsRepository } from './payments.repository.js';

/** Something that happened to the payment of an order. */
export interface Happening {
  orderId: string;
  event: PaymentEvent;
  /** The `traceparent` of what it was caused by. */
  trace?: string;
}

/** What a happening came to. */
export type Advanced = Pick<Step, 'payment' | 'refusal'>;

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

  /** Answers for each happening the payment as it left it, or why it was refused. */
  async advance(tx: Tx, happenings: Happening[]): Promise<Advanced[]> {
    const orderIds = [...new Set(happenings.map(({ orderId }) => orderId))];
    const before = new Map((await this.payments.lock(tx, orderIds)).map((p) => [p.orderId, p]));
    const after = new Map(before);
    const steps = happenings.map(({ orderId, event }) => {
      const step = advance(after.get(orderId) ?? noPayment(newId('pay'), orderId, this.options.provider.name), event);
      if (step.payment.state !== 'NONE') after.set(orderId, step.payment);
      return step;
    });
    const updated = this.write(tx, before, after);
    const at = await tx.at();
    const dated = (payment: PaymentRecord) => (updated.has(payment.id) ? { ...payment, updatedAt: at } : payment);
    steps.forEach((step, i) => this.follow(tx, { ...step, payment: dated(step.payment) }, happenings[i]!.trace));
    return steps.map(({ payment, refusal }) => ({ payment: dated(payment), refusal }));
  }

  /** Answers which payments, by their ids, are not new and were changed. */
  private write(tx: Tx, before: Map<string, PaymentRecord>, after: Map<string, PaymentRecord>): ReadonlySet<string> {
    const changed = [...after.values()].filter((payment) => before.get(payment.orderId) !== payment);
    const updated = changed.filter(({ orderId }) => before.has(orderId));
    this.payments.insert(
      tx,
      changed.filter(({ orderId }) => !before.has(orderId)),
    );
    this.payments.update(tx, updated);
    return new Set(updated.map(({ id }) => id));
  }

  /** Says and starts what a step asks for; both are written before COMMIT, and calls begin after it. */
  private follow(tx: Tx, { payment, answers, start, refusal, alarm }: Step, trace?: string): void {
    const trouble = alarm ?? (refusal?.code === 'story-bug' ? refusal.message : undefined);
    if (trouble) this.logger.error(trouble, about({ key: payment.orderId, trace }));
    for (const answer of answers) this.outbox.publish(tx, EVENT_OF[answer], [bodyOf(answer, payment)], trace);
    if (!start) return;
    const { effect, ...body } = start;
    this.effects.start(tx, `payment-${effect}`, [{ key: payment.orderId, body, trace }]);
  }
}
