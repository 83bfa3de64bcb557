import type { Failure } from '../failure.js';
import type { PaymentState } from './index.js';
import type { Opening } from './provider-calls.js';
import type { Refusal } from './providers/provider.js';

/** A payment as it is stored: one per order. Amounts are integer minor units. */
export interface PaymentRecord {
  readonly id: string;
  readonly orderId: string;
  /** Empty, like `currency`, in the tombstone of an order that was undone before it was to be paid. */
  readonly customerId: string;
  readonly state: PaymentState | 'NONE';
  /** The one call to the provider that is under way. */
  readonly effect: Opening['effect'] | null;
  /** The order does not want to be paid any more; obeyed as soon as no effect is open. */
  readonly undo: boolean;
  readonly currency: string;
  readonly amount: number;
  /** What settled refunds gave back. */
  readonly refunded: number;
  /** What the open refund gives back. */
  readonly refunding: number | null;
  /** How often a refund was asked for: it numbers the keys. */
  readonly refunds: number;
  readonly provider: string;
  readonly reference: string | null;
  readonly reason: string | null;
  readonly createdAt?: Date;
  readonly updatedAt?: Date;
}

/** What can happen to a payment. */
export type PaymentEvent =
  | { type: 'authorise'; customerId: string; currency: string; amount: number; paymentMethod: string }
  | { type: 'capture' }
  | { type: 'undo' }
  /** An operator's; everything that is left when it names no amount. */
  | { type: 'refund'; amount?: number }
  | { type: 'effect ok'; reference: string }
  | { type: 'effect refused'; reason: Refusal | 'payment-unavailable' };

/** What is said because of a step; `voided` and `refunded` are for the world, the others are answers to our commands. */
export type Answer =
  | 'authorised'
  | 'declined'
  | 'failed'
  | 'captured'
  | 'capture-refused'
  | 'undone'
  | 'voided'
  | 'refunded'
  | 'refund-settled';

/** What an event makes of a payment. */
export interface Step {
  payment: PaymentRecord;
  answers: Answer[];
  start?: Opening;
  /** Nothing has changed; the message is refused with this. */
  refusal?: Failure;
  /** What somebody must look at. */
  alarm?: string;
}

/** The columns of the table in docs/story.md; `ended` is DECLINED, FAILED, VOIDED or REFUNDED. */
export type Column =
  | 'none'
  | 'PENDING (authorise)'
  | 'AUTHORISED'
  | 'AUTHORISED (capture)'
  | 'AUTHORISED (void)'
  | 'CAPTURED'
  | 'CAPTURED (refund)'
  | 'ended';

/** A payment of which nothing is known yet. */
export const noPayment = (id: string, orderId: string, provider: string): PaymentRecord => ({
  id,
  orderId,
  provider,
  customerId: '',
  state: 'NONE',
  effect: null,
  undo: false,
  currency: '',
  amount: 0,
  refunded: 0,
  refunding: null,
  refunds: 0,
  reference: null,
  reason: null,
});

/** The column a payment stands in. */
export function columnOf({ state, effect }: PaymentRecord): Column {
  if (state === 'NONE') return 'none';
  if (state === 'PENDING' || state === 'AUTHORISED' || state === 'CAPTURED')
    return (effect ? `${state} (${effect})` : state) as Column;
  return 'ended';
}
