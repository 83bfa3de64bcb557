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

/** Nothing changes and nothing is said. */
export const ignore = (payment: PaymentRecord): Step => step(payment);
/** Cannot happen by the other modules' tables. */
export const bug = (payment: PaymentRecord, event: PaymentEvent): Step =>
  refuse(payment, storyBug(payment.orderId, event.type, columnOf(payment)));
/** Remembers the wish until no effect is open. */
export const flag = (payment: PaymentRecord): Step => step(payment.undo ? payment : { ...payment, undo: true });
/** Says once more what was said before. */
export const answer =
  (said: Answer) =>
  (payment: PaymentRecord): Step =>
    step(payment, [said]);

const ENDS: Partial<Record<PaymentRecord['state'], Answer>> = { DECLINED: 'declined', FAILED: 'failed' };
/** No money is held or kept in the two other ends: that is what `undone` says. */
export const answerItsEnd = (payment: PaymentRecord): Step => step(payment, [ENDS[payment.state] ?? 'undone']);

/** A payment begins. */
export const begin: Cell<'authorise'> = (payment, { customerId, currency, amount, paymentMethod }) => {
  const pending = { ...payment, customerId, currency, amount, state: 'PENDING', effect: 'authorise' } as const;
  return step(pending, [], opening.authorise(pending, paymentMethod));
};

/** Undone before it began: an authorise that comes later finds its end. */
export const tombstone: Cell<'undo'> = (payment) => step({ ...payment, state: 'VOIDED', undo: true }, ['undone']);

/** Takes what is held. */
export function capture(payment: PaymentRecord): Step {
  const capturing = { ...payment, effect: 'capture', reason: null } as const;
  return step(capturing, [], opening.capture(capturing));
}

/** Lets what is held go. */
export function giveBackAuthorisation(payment: PaymentRecord): Step {
  const voiding = { ...payment, state: 'AUTHORISED', effect: 'void', undo: true } as const;
  return step(voiding, [], opening.void(voiding));
}

function refund(payment: PaymentRecord, refunding: number): Step {
  const refunds = payment.refunds + 1;
  const paying = { ...payment, state: 'CAPTURED', effect: 'refund', refunding, refunds } as const;
  return step(paying, [], opening.refund(paying));
}

/** Gives back whatever was taken and not yet given back. */
export const refundTheRest = (payment: PaymentRecord): Step =>
  refund({ ...payment, undo: true }, payment.amount - payment.refunded);

/** An operator gives back a part or all. */
export const refundSome: Cell<'refund'> = (payment, { amount = payment.amount - payment.refunded }) => {
  const left = payment.amount - payment.refunded;
  if (left === 0) return refuse(payment, notRefundable(payment.id));
  return amount <= left ? refund(payment, amount) : refuse(payment, refundTooLarge(payment.id, left));
};

/** The provider holds the amount. */
export const authorised: Cell<'effect ok'> = (payment, { reference }) => {
  const held = { ...payment, state: 'AUTHORISED', effect: null, reference } as const;
  return payment.undo ? giveBackAuthorisation(held) : step(held, ['authorised']);
};

/** The provider holds nothing: it said no, or never booked it. */
export const notAuthorised: Cell<'effect refused'> = (payment, { reason }) => {
  const [state, said] =
    reason === 'payment-unavailable' ? (['FAILED', 'failed'] as const) : (['DECLINED', 'declined'] as const);
  return step({ ...payment, state, effect: null, reason }, [payment.undo ? 'undone' : said]);
};

/** The provider took the amount. */
export function captured(payment: PaymentRecord): Step {
  const taken = { ...payment, state: 'CAPTURED', effect: null } as const;
  return payment.undo ? refundTheRest(taken) : step(taken, ['captured']);
}

/** The provider did not take it; what is held stays held until undo. */
export const captureRefused: Cell<'effect refused'> = (payment, { reason }) => {
  const held = { ...payment, effect: null, reason } as const;
  return payment.undo ? giveBackAuthorisation(held) : step(held, ['capture-refused']);
};

/** Nothing is held any more. */
export const voided = (payment: PaymentRecord): Step =>
  step({ ...payment, state: 'VOIDED', effect: null }, ['voided', 'undone']);

/** Taken after all: then it is given back. Not there: then nothing is held. */
export const notVoided: Cell<'effect refused'> = (payment, { reason }) =>
  reason === 'already-captured' ? refundTheRest(payment) : voided(payment);

/** The provider gave back what was open. */
export function refunded(payment: PaymentRecord): Step {
  const sum = payment.refunded + payment.refunding!;
  const paid = { ...payment, refunded: sum, refunding: null, effect: null } as const;
  if (sum === payment.amount)
    return step({ ...paid, state: 'REFUNDED' }, ['refunded', payment.undo ? 'undone' : 'refund-settled']);
  return { ...(payment.undo ? refundTheRest(paid) : step(paid)), answers: ['refunded', 'refund-settled'] };
}

/** Money we owe: asked for again, for ever, and somebody must look. */
export const refundRefused: Cell<'effect refused'> = (payment, { reason }) => {
  const again = { ...payment, refunds: payment.refunds + 1 };
  const alarm = `The refund of ${payment.refunding} of the payment ${payment.id} was refused: ${reason}. It is tried again.`;
  return { ...step(again, [], opening.refundAfterRefusal(again)), alarm };
};

/** There is nothing to give back. */
export const unknown = (payment: PaymentRecord): Step => refuse(payment, paymentNotFound(payment.id));
/** Nothing of it was taken, or all of it is back. */
export const notYet: Cell<'refund'> = (payment) => refuse(payment, notRefundable(payment.id));

/** One effect at a time. */
export const oneAtATime: Cell<'refund'> = (payment) => refuse(payment, refundInProgress(payment.id));
