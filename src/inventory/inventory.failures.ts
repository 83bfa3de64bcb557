import { Failure, notFound } from '../failure.js';

export const itemNotFound = (sku: string): Failure => notFound('item', sku);

/** What was ever received of one item; JSON numbers of this house end here. */
export const MOST_RECEIVED = 10 ** 12;

export const tooMuchStock = (sku: string): Failure =>
  new Failure('conflict', 'too-much-stock', `${sku} cannot hold that much: at most ${MOST_RECEIVED} in all.`);

/** Cannot happen by the other modules' tables: the message is parked and an operator told. */
export const storyBug = (): Failure =>
  new Failure('conflict', 'story-bug', "This cannot happen to an order's stock in this state; nothing was changed.");
