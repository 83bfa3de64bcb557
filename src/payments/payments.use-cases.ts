import { Inject, Injectable } from '@nestjs/common';
import { GetPaymentHandler } from './get-payment.js';
import { ListPaymentsHandler } from './list-payments.js';
import { RefundPaymentHandler } from './refund-payment.js';

/** What can be asked of payments, for all gates. */
@Injectable()
export class PaymentsUseCases {
  @Inject() readonly getPayment!: GetPaymentHandler;
  @Inject() readonly listPayments!: ListPaymentsHandler;
  @Inject() readonly refundPayment!: RefundPaymentHandler;
}
