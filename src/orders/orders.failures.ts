import { Failure, type FieldViolation, invalid, notFound, unavailable } from '../failure.js';

export const orderNotFound = (id: string): Failure => notFound('order', id);

export const unknownSku = (fields: FieldViolation[]): Failure => invalid(fields, 'unknown-sku');

export const currencyMismatch = (fields: FieldViolation[]): Failure => invalid(fields, 'currency-mismatch');

export const totalTooLarge = (): Failure =>
  invalid(
    [{ field: 'lines', message: 'the total must not be more than 1000000000000 minor units' }],
    'total-too-large',
  );

/** Inventory, in another process, does not answer. Placing has not begun: there is nothing half-placed to clean up. */
export const pricesUnavailable = (): Failure =>
  unavailable('prices-unavailable', 'Prices cannot be asked just now. Nothing was changed.', 2);

export const windowOver = (): Failure =>
  new Failure('conflict', 'cancel-window-over', 'The order was confirmed too long ago to be cancelled.');

export const orderNotCancellable = (): Failure =>
  new Failure('conflict', 'order-not-cancellable', 'The order was rejected; there is nothing to cancel.');

/** Cannot happen by the other modules' tables: the message is parked and an operator told. */
export const storyBug = (): Failure =>
  new Failure('conflict', 'story-bug', 'This cannot happen to an order in this state; nothing was changed.');
