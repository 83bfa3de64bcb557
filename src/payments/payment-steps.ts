import type { Failure } from '../failure.js';
import { columnOf, type Answer, type PaymentEvent, type PaymentRecord, type Step } from './payment-record.js';
import { notRefundable, paymentNotFound, refundInProgress, refundTooLarge, storyBug } from './payments.failures.js';
import { opening, type Opening } from './provider-calls.js';

/** What one cell of the table does. */
export type Cell<T extends PaymentEvent['type']> = (
  payment: PaymentRecord,
  event: Extract<PaymentEvent, { type: T }>,
) => Step;

const step = (payment: PaymentRecord, answers: Answer[] = [], start?: Opening): Step => ({ payment, answers, start });
const refuse = (payment: PaymentRecord, refusal: Failure): Step => ({ payment, answers: [], refusal });

export const ignore = (payment: PaymentRecord): Step => step(payment);
export const bug = (payment: PaymentRecord, event: PaymentEvent): Step =>
  refuse(payment, storyBug(payment.orderId, event.type, columnOf(payment)));
export const flag = (payment: PaymentRecord): Step => step(payment.undo ? payment : { ...payment, undo: true });
export const answer =
  (said: Answer) =>
  (payment: PaymentRecord): Step =>
    step(payment, [said]);

const ENDS: Partial<Record<PaymentRecord['state'], Answer>> = { DECLINED: 'declined', FAILED: 'failed' };
/** No money is held or kept in the two other ends: that is what `undone` says. */
export const answerItsEnd = (payment: PaymentRecord): Step => step(payment, [ENDS[payment.state] ?? 'undone']);

export const begin: Cell<'authorise'> = (payment, { customerId, currency, amount, paymentMethod }) => {
  const pending = { ...payment, customerId, currency, amount, state: 'PENDING', effect: 'authorise' } as const;
  return step(pending, [], opening.authorise(pending, paymentMethod));
};

export const tombstone: Cell<'undo'> = (payment) => step({ ...payment, state: 'VOIDED', undo: true }, ['undone']);

export function capture(payment: PaymentRecord): Step {
  const capturing = { ...payment, effect: 'capture', reason: null } as const;
  return step(capturing, [], opening.capture(capturing));
}

export function giveBackAuthorisation(payment: PaymentRecord): Step {
  const voiding = { ...payment, state: 'AUTHORISED', effect: 'void', undo: true } as const;
  return step(voiding, [], opening.void(voiding));
}

function refund(payment: PaymentRecord, refunding: number): Step {
  const refunds = payment.refunds + 1;
  const paying = { ...payment, state: 'CAPTURED', effect: 'refund', refunding, refunds } as const;
  return step(paying, [], opening.refund(paying));
}

export const refundTheRest = (payment: PaymentRecord): Step =>
  refund({ ...payment, undo: true }, payment.amount - payment.refunded);

export const refundSome: Cell<'refund'> = (payment, { amount }) => {
  const left = payment.amount - payment.refunded;
  return amount <= left ? refund(payment, amount) : refuse(payment, refundTooLarge(payment.id, left));
};

export const authorised: Cell<'effect ok'> = (payment, { reference }) => {
  const held = { ...payment, state: 'AUTHORISED', effect: null, reference } as const;
  return payment.undo ? giveBackAuthorisation(held) : step(held, ['authorised']);
};

export const notAuthorised: Cell<'effect refused'> = (payment, { reason }) => {
  const [state, said] =
    reason === 'payment-unavailable' ? (['FAILED', 'failed'] as const) : (['DECLINED', 'declined'] as const);
  return step({ ...payment, state, effect: null, reason }, [payment.undo ? 'undone' : said]);
};

export function captured(payment: PaymentRecord): Step {
  const taken = { ...payment, state: 'CAPTURED', effect: null } as const;
  return payment.undo ? refundTheRest(taken) : step(taken, ['captured']);
}

export const captureRefused: Cell<'effect refused'> = (payment, { reason }) => {
  const held = { ...payment, effect: null, reason } as const;
  return payment.undo ? giveBackAuthorisation(held) : step(held, ['capture-refused']);
};

export const voided = (payment: PaymentRecord): Step =>
  step({ ...payment, state: 'VOIDED', effect: null }, ['voided', 'undone']);

export const notVoided: Cell<'effect refused'> = (payment, { reason }) =>
  reason === 'already-captured' ? refundTheRest(payment) : voided(payment);

export function refunded(payment: PaymentRecord): Step {
  const sum = payment.refunded + payment.refunding!;
  const paid = { ...payment, refunded: sum, refunding: null, effect: null } as const;
  if (sum === payment.amount)
    return step({ ...paid, state: 'REFUNDED' }, ['refunded', payment.undo ? 'undone' : 'refund-settled']);
  return { ...(payment.undo ? refundTheRest(paid) : step(paid)), answers: ['refunded', 'refund-settled'] };
}

export const refundRefused: Cell<'effect refused'> = (payment, { reason }) => {
  const again = { ...payment, refunds: payment.refunds + 1 };
  const alarm = `The refund of ${payment.refunding} of the payment ${payment.id} was refused: ${reason}. It is tried again.`;
  return { ...step(again, [], opening.refundAfterRefusal(again)), alarm };
};

export const unknown = (payment: PaymentRecord): Step => refuse(payment, paymentNotFound(payment.id));
export const notYet: Cell<'refund'> = (payment) => refuse(payment, notRefundable(payment.id));

