import type { CommandReception, QueryReception } from '../gates/amqp/command-reception.js';
import type { Asked } from '../gates/asked.js';
import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { AdvancePayment, type PaymentCommand } from './advance-payment.js';
import { GetPayment } from './get-payment.js';
import { AuthorisePayment, CapturePayment, UndoPayment } from './index.js';
import { ListPayments } from './list-payments.js';
import { PaymentsUseCases } from './payments.use-cases.js';
import { RefundPayment } from './refund-payment.js';

/** Payments over RabbitMQ: the world's commands and queries, and what the house tells them to do. */
@Receiver('payments')
export class PaymentsAmqpController {
  constructor(
    private readonly on: PaymentsUseCases,
    private readonly advancePayment: AdvancePayment,
  ) {}

  @Receives(RefundPayment)
  refund(set: Asked<RefundPayment>[], { run }: CommandReception) {
    return run(this.on.refundPayment, set);
  }

  @Receives(GetPayment)
  get(set: Asked<GetPayment>[], { ask }: QueryReception) {
    return ask(this.on.getPayment, set);
  }

  @Receives(ListPayments)
  list(set: Asked<ListPayments>[], { ask }: QueryReception) {
    return ask(this.on.listPayments, set);
  }

  @Receives(AuthorisePayment, CapturePayment, UndoPayment)
  advance(set: Message<PaymentCommand>[], { tx }: Reception) {
    return this.advancePayment.handle(tx, set);
  }
}
