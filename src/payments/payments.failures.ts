import { Failure, notFound } from '../failure.js';

/** There is no such payment, or it belongs to another customer: the two look the same. */
export const paymentNotFound = (id: string): Failure => notFound('payment', id);

/** Nothing was captured, or everything has been given back. */
export const notRefundable = (id: string): Failure =>
  new Failure('conflict', 'payment-not-refundable', `Nothing of the payment ${id} can be refunded.`);

/** More than what is left of it; amounts in minor units. */
export const refundTooLarge = (id: string, left: number): Failure =>
  new Failure('conflict', 'refund-too-large', `Only ${left} of the payment ${id} can still be refunded.`, { left });

/** One refund at a time. */
export const refundInProgress = (id: string): Failure =>
  new Failure('conflict', 'refund-in-progress', `A refund of the payment ${id} is under way.`);

/** A cell that the other modules' tables make impossible: the message is parked and somebody must look. */
export const storyBug = (orderId: string, event: string, column: string): Failure =>
  new Failure('conflict', 'story-bug', `The payment of ${orderId} cannot see "${event}" while it is ${column}.`);
