import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import type { Payment } from './index.js';
import { paymentView } from './payment-answers.js';
import { paymentNotFound } from './payments.failures.js';
import { PaymentsRepository } from './payments.repository.js';

/** Asks for one payment. */
@Operation({ name: 'payments.get', scope: 'payments:read', kind: 'query', refuses: ['payment-not-found'] })
export class GetPayment {
  @Id() id!: string;
}

/** Answers payments by id; another customer's is not found. */
@Injectable()
export class GetPaymentHandler implements UseCase<GetPayment, Payment> {
  constructor(private readonly payments: PaymentsRepository) {}

  async handle(tx: Tx, asked: Asked<GetPayment>[]): Promise<Outcome<Payment>[]> {
    const ids = [...new Set(asked.map(({ command }) => command.id))];
    const found = new Map((await this.payments.find(tx, ids)).map((payment) => [payment.id, payment]));
    return asked.map(({ command, by }) => {
      const payment = found.get(command.id);
      const hidden = by.customerId !== undefined && payment?.customerId !== by.customerId;
      return payment && !hidden ? paymentView(payment) : paymentNotFound(command.id);
    });
  }
}
