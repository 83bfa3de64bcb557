import { Currency, Id, Instant, OneOf, Optional, Text, Whole } from '../gates/fields.js';
import { Command, Event } from '../messaging/contract.js';

/** The state of a payment as the world sees it. */
export const PAYMENT_STATES = [
  'PENDING',
  'AUTHORISED',
  'CAPTURED',
  'DECLINED',
  'VOIDED',
  'REFUNDED',
  'FAILED',
] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

/** A sum in minor units; an order may cost nothing. */
const Sum = (): PropertyDecorator => Whole(0, 10 ** 12);

/** A payment: one per order. Amounts are integer minor units; times ISO 8601 UTC. */
export class Payment {
  @Id() id!: string;
  @Id() orderId!: string;
  @Text(128) customerId!: string;
  @OneOf(PAYMENT_STATES) state!: PaymentState;
  @Currency() currency!: string;
  @Sum() amount!: number;
  /** What settled refunds gave back. */
  @Sum() refunded!: number;
  @Text(64) provider!: string;
  @Optional() @Text(255) providerReference?: string;
  /** Why it ended: payment-declined, insufficient-funds, unknown-payment-method, payment-unavailable, capture-failed. */
  @Optional() @Text(200) reason?: string;
  @Instant() createdAt!: string;
  @Instant() updatedAt!: string;
}

/** Commands: what payments does when told. */
@Command('payments.authorise')
export class AuthorisePayment {
  @Id() orderId!: string;
  @Text(128) customerId!: string;
  @Currency() currency!: string;
  @Sum() amount!: number;
  @Text(64) paymentMethod!: string;
}

@Command('payments.capture')
export class CapturePayment {
  @Id() orderId!: string;
}

/** Make it as if it had never been; leaves a tombstone when there is nothing yet. */
@Command('payments.undo', { untiring: true })
export class UndoPayment {
  @Id() orderId!: string;
}

/** Events: what payments says happened. */
@Event('payments.payment-authorised.v1', { heard: true })
export class PaymentAuthorised extends Payment {}

@Event('payments.payment-declined.v1', { heard: true })
export class PaymentDeclined extends Payment {}

/** Never booked, after all attempts. */
@Event('payments.payment-failed.v1', { heard: true })
export class PaymentFailed extends Payment {}

@Event('payments.payment-captured.v1', { heard: true })
export class PaymentCaptured extends Payment {}

@Event('payments.capture-refused.v1', { heard: true, published: false })
export class CaptureRefused extends Payment {}

@Event('payments.payment-voided.v1')
export class PaymentVoided extends Payment {}

@Event('payments.payment-refunded.v1')
export class PaymentRefunded extends Payment {}

/** The answer to {@link UndoPayment}: no money is held or kept. */
@Event('payments.payment-undone.v1', { heard: true, published: false })
export class PaymentUndone {
  @Id() orderId!: string;
}

/** An operator's refund is settled at the provider. */
@Event('payments.refund-settled.v1', { heard: true, published: false })
export class RefundSettled extends Payment {}
