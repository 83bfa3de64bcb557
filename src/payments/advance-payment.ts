import { Injectable } from '@nestjs/common';
import { messageOf } from '../messaging/contract.js';
import type { Failure } from '../failure.js';
import type { Message } from '../messaging/message.js';
import type { Tx } from '../database/transaction.js';
import { AuthorisePayment, CapturePayment, UndoPayment } from './index.js';
import type { PaymentEvent } from './payment-record.js';
import { PaymentStory } from './payment-story.js';

export type PaymentCommand = AuthorisePayment | CapturePayment | UndoPayment;

const EVENTS: Record<string, (command: AuthorisePayment) => PaymentEvent> = {
  [messageOf(AuthorisePayment).type]: ({ customerId, currency, amount, paymentMethod }) => ({
    ...{ type: 'authorise', customerId, currency, amount, paymentMethod },
  }),
  [messageOf(CapturePayment).type]: () => ({ type: 'capture' }),
  [messageOf(UndoPayment).type]: () => ({ type: 'undo' }),
};

/** Does what it is told about payments: authorise, capture, undo. */
@Injectable()
export class AdvancePayment {
  constructor(private readonly story: PaymentStory) {}

  async handle(tx: Tx, set: Message<PaymentCommand>[]): Promise<(Failure | undefined)[]> {
    const steps = await this.story.advance(
      tx,
      set.map(({ type, body, trace }) => {
        return { orderId: body.orderId, event: EVENTS[type]!(body as AuthorisePayment), trace };
      }),
    );
    return steps.map(({ refusal }) => refusal);
  }
}
