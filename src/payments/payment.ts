import { columnOf, type Column, type PaymentEvent, type PaymentRecord, type Step } from './payment-record.js';
import * as steps from './payment-steps.js';

type Type = PaymentEvent['type'];

/** What an event makes of a payment. */
export function advance(payment: PaymentRecord, event: PaymentEvent): Step {
  const cell = TABLE[event.type][columnOf(payment)] as steps.Cell<Type>;
  return cell(payment, event);
}

/** docs/story.md, cell by cell. Its row "effect unknown" is no step: the effect goes on asking by the same key. */
const TABLE: { [T in Type]: Record<Column, steps.Cell<T>> } = {
  authorise: {
    none: steps.begin,
    'PENDING (authorise)': steps.ignore,
    AUTHORISED: steps.answer('authorised'),
    'AUTHORISED (capture)': steps.ignore,
    'AUTHORISED (void)': steps.ignore,
    CAPTURED: steps.ignore,
    'CAPTURED (refund)': steps.ignore,
    ended: steps.answerItsEnd,
  },
  capture: {
    none: steps.bug,
    'PENDING (authorise)': steps.bug,
    AUTHORISED: steps.capture,
    'AUTHORISED (capture)': steps.ignore,
    'AUTHORISED (void)': steps.ignore,
    CAPTURED: steps.answer('captured'),
    'CAPTURED (refund)': steps.ignore,
    ended: steps.answer('capture-refused'),
  },
  undo: {
    none: steps.tombstone,
    'PENDING (authorise)': steps.flag,
    AUTHORISED: steps.giveBackAuthorisation,
    'AUTHORISED (capture)': steps.flag,
    'AUTHORISED (void)': steps.ignore,
    CAPTURED: steps.refundTheRest,
    'CAPTURED (refund)': steps.flag,
    ended: steps.answer('undone'),
  },
  refund: {
    none: steps.unknown,
    'PENDING (authorise)': steps.notYet,
    AUTHORISED: steps.notYet,
    'AUTHORISED (capture)': steps.notYet,
    'AUTHORISED (void)': steps.notYet,
    CAPTURED: steps.refundSome,
    'CAPTURED (refund)': steps.oneAtATime,
    ended: steps.notYet,
  },
  'effect ok': {
    none: steps.bug,
    'PENDING (authorise)': steps.authorised,
    AUTHORISED: steps.bug,
    'AUTHORISED (capture)': steps.captured,
    'AUTHORISED (void)': steps.voided,
    CAPTURED: steps.bug,
    'CAPTURED (refund)': steps.refunded,
    ended: steps.bug,
  },
  'effect refused': {
    none: steps.bug,
    'PENDING (authorise)': steps.notAuthorised,
    AUTHORISED: steps.bug,
    'AUTHORISED (capture)': steps.captureRefused,
    'AUTHORISED (void)': steps.notVoided,
    CAPTURED: steps.bug,
    'CAPTURED (refund)': steps.refundRefused,
    ended: steps.bug,
  },
};
