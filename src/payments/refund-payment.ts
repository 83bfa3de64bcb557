import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id, Optional, Whole } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import type { Payment } from './index.js';
import { paymentView } from './payment-answers.js';
import { PaymentStory } from './payment-story.js';
import { paymentNotFound } from './payments.failures.js';
import { PaymentsRepository } from './payments.repository.js';

/** Asks that captured money be given back; the order stays as it is. */
@Operation({
  name: 'payments.refund',
  scope: 'payments:write',
  kind: 'command',
  refuses: ['payment-not-found', 'payment-not-refundable', 'refund-too-large', 'refund-in-progress'],
})
export class RefundPayment {
  @Id() id!: string;
  /** In minor units; all that is left when absent. */
  @Optional() @Whole(1, 10 ** 12) amount?: number;
}

/** Begins refunds, one at a time for each payment; the payment says `refunded` once the provider has booked it. */
@Injectable()
export class RefundPaymentHandler implements UseCase<RefundPayment, Payment> {
  constructor(
    private readonly payments: PaymentsRepository,
    private readonly story: PaymentStory,
  ) {}

  async handle(tx: Tx, asked: Asked<RefundPayment>[]): Promise<Outcome<Payment>[]> {
    const ids = [...new Set(asked.map(({ command }) => command.id))];
    // Only to learn whose payments these are: the story locks them, by order, before it judges.
    const orderOf = new Map((await this.payments.find(tx, ids)).map(({ id, orderId }) => [id, orderId]));
    const known = asked.filter(({ command }) => orderOf.has(command.id));
    const steps = await this.story.advance(
      tx,
      known.map(({ command: { id, amount }, trace }) => {
        return { orderId: orderOf.get(id)!, event: { type: 'refund', amount }, trace };
      }),
    );
    const answers = new Map(known.map((one, i) => [one, steps[i]!]));
    return asked.map((one) => {
      const step = answers.get(one);
      return step ? (step.refusal ?? paymentView(step.payment)) : paymentNotFound(one.command.id);
    });
  }
}
