import type { MessageClass } from '../messaging/contract.js';
import {
  CaptureRefused,
  type Payment,
  PaymentAuthorised,
  PaymentCaptured,
  PaymentDeclined,
  PaymentFailed,
  PaymentRefunded,
  type PaymentState,
  PaymentUndone,
  PaymentVoided,
  RefundSettled,
} from './index.js';
import type { Answer, PaymentRecord } from './payment-record.js';

/** The event in which each answer travels. */
export const EVENT_OF: Record<Answer, MessageClass> = {
  authorised: PaymentAuthorised,
  declined: PaymentDeclined,
  failed: PaymentFailed,
  captured: PaymentCaptured,
  'capture-refused': CaptureRefused,
  undone: PaymentUndone,
  voided: PaymentVoided,
  refunded: PaymentRefunded,
  'refund-settled': RefundSettled,
};

/** What an answer says: the payment, and of one that is undone only whose it was. */
export const bodyOf = (answer: Answer, payment: PaymentRecord): object =>
  answer === 'undone' ? { orderId: payment.orderId } : paymentView(payment);

/** A payment as it is shown outside. */
export function paymentView(payment: PaymentRecord): Payment {
  const { id, orderId, customerId, state, currency, amount, refunded, provider, reference, reason } = payment;
  return {
    ...{ id, orderId, customerId, state: state as PaymentState, currency, amount, refunded, provider },
    ...(reference !== null && { providerReference: reference }),
    ...(reason !== null && { reason }),
    createdAt: payment.createdAt!.toISOString(),
    updatedAt: payment.updatedAt!.toISOString(),
  };
}
