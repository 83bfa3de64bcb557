import type { PaymentRecord } from './payment-record.js';
import type { AuthoriseCall, CaptureCall, RefundCall, VoidCall } from './providers/provider.js';

/** A call to the provider that is to be made once a step is committed. */
export type Opening =
  | { effect: 'authorise'; call: AuthoriseCall }
  | { effect: 'capture'; call: CaptureCall }
  | { effect: 'void'; call: VoidCall }
  | { effect: 'refund'; call: RefundCall; afterMs?: number };

/** A refused refund is asked for again after this, under a new key: the old one is answered the same for ever. */
const REFUSED_REFUND_MS = 30_000;

/**
 * Each call with its key at the provider. A key is made of the payment and the step and of nothing else, so that all
 * attempts of one step are one booking there, after a crash too.
 */
export const opening = {
  authorise: ({ id, orderId, amount, currency }: PaymentRecord, method: string): Opening => ({
    effect: 'authorise',
    call: { key: `${id}:authorise`, method, amount, currency, orderId },
  }),
  capture: ({ id, reference, amount }: PaymentRecord): Opening => ({
    effect: 'capture',
    call: { key: `${id}:capture`, reference: reference!, amount },
  }),
  void: ({ id, reference }: PaymentRecord): Opening => ({
    effect: 'void',
    call: { key: `${id}:void`, reference: reference! },
  }),
  refund: ({ id, reference, refunds, refunding }: PaymentRecord): Opening => ({
    effect: 'refund',
    call: { key: `${id}:refund:${refunds}`, reference: reference!, amount: refunding! },
  }),
  refundAfterRefusal: (payment: PaymentRecord): Opening =>
    Object.assign(opening.refund(payment), { afterMs: REFUSED_REFUND_MS }),
};
