import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { AdvancePayment, type PaymentCommand } from './advance-payment.js';
import { AuthorisePayment, CapturePayment, UndoPayment } from './index.js';

/** Payments over the message path: what the house tells them to do. */
@Receiver('payments')
export class PaymentsAmqpController {
  constructor(private readonly advancePayment: AdvancePayment) {}

  @Receives(AuthorisePayment, CapturePayment, UndoPayment)
  advance(set: Message<PaymentCommand>[], { tx }: Reception) {
    return this.advancePayment.handle(tx, set);
  }
}
