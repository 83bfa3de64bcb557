import { columnOf, type Column, type PaymentEvent, type PaymentRecord, type Step } from './payment-record.js';
import * as step from './payment-steps.js';

/** Takes one step of the story. */
export function advance(payment: PaymentRecord, event: PaymentEvent): Step {
  const cell = TABLE[event.type][columnOf(payment)] as Cell<Type>;
  return cell(payment, event);
}


/** STORY.md, cell by cell. Its row "effect unknown" is no step: the effect goes on asking by the same key. */
const TABLE: { [T in Type]: Record<Column, Cell<T>> } = {
  authorise: {
    none: begin,
    'PENDING (authorise)': ignore,
    AUTHORISED: answer('authorised'),
    'AUTHORISED (capture)': ignore,
    'AUTHORISED (void)': ignore,
    CAPTURED: ignore,
    'CAPTURED (refund)': ignore,
    ended: answerItsEnd,
  },
  capture: {
    none: bug,
    'PENDING (authorise)': bug,
    AUTHORISED: capture,
    'AUTHORISED (capture)': ignore,
    'AUTHORISED (void)': ignore,
    CAPTURED: answer('captured'),
    'CAPTURED (refund)': ignore,
    ended: answer('capture-refused'),
  },
  undo: {
    none: tombstone,
    'PENDING (authorise)': flag,
    AUTHORISED: giveBackAuthorisation,
    'AUTHORISED (capture)': flag,
    'AUTHORISED (void)': ignore,
    CAPTURED: refundTheRest,
    'CAPTURED (refund)': flag,
    ended: answer('undone'),
  },
  refund: {
    none: unknown,
    'PENDING (authorise)': notYet,
    AUTHORISED: notYet,
    'AUTHORISED (capture)': notYet,
    'AUTHORISED (void)': notYet,
    CAPTURED: refundSome,
    'CAPTURED (refund)': oneAtATime,
    ended: notYet,
  },
  'effect ok': {
    none: bug,
    'PENDING (authorise)': authorised,
    AUTHORISED: bug,
    'AUTHORISED (capture)': captured,
    'AUTHORISED (void)': voided,
    CAPTURED: bug,
    'CAPTURED (refund)': refunded,
    ended: bug,
  },
  'effect refused': {
    none: bug,
    'PENDING (authorise)': notAuthorised,
    AUTHORISED: bug,
    'AUTHORISED (capture)': captureRefused,
    'AUTHORISED (void)': notVoided,
    CAPTURED: bug,
    'CAPTURED (refund)': refundRefused,
    ended: bug,
  },
};
