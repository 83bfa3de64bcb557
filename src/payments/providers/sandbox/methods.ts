import type { Refusal } from '../provider.js';

/** What the sandbox does with a payment method. `errors` and `silent` hold for every key, captures and refunds too. */
export interface Method {
  /** Why authorising is refused; unset = it is granted. */
  refusal?: Refusal;
  /** Why capturing a granted authorisation is refused. */
  captureRefusal?: Refusal;
  /** How long each authorise waits, once booked, before it is answered. */
  delayMs: number;
  /** How many calls of one key get a 500 before it is booked. */
  errors: number;
  /** Whether the call that books a key is never answered. */
  silent: boolean;
  /** Whether authorise answers 503 for ever and books nothing. */
  unavailable: boolean;
}

const FINE: Method = { delayMs: 0, errors: 0, silent: false, unavailable: false };

/** A Map and no object literal: a customer may call a method `constructor`. */
const METHODS = new Map<string, Method>([
  ['pm_ok', FINE],
  ['pm_declined', { ...FINE, refusal: 'payment-declined' }],
  ['pm_insufficient_funds', { ...FINE, refusal: 'insufficient-funds' }],
  ['pm_slow', { ...FINE, delayMs: 2_000 }],
  ['pm_timeout_then_ok', { ...FINE, silent: true }],
  ['pm_error_then_ok', { ...FINE, errors: 2 }],
  ['pm_capture_fails', { ...FINE, captureRefusal: 'capture-failed' }],
  ['pm_unavailable', { ...FINE, unavailable: true }],
]);

const UNKNOWN: Method = { ...FINE, refusal: 'unknown-payment-method' };

/** How the sandbox behaves for a payment method; every name it does not know is refused. */
export const methodNamed = (name: string): Method => METHODS.get(name) ?? UNKNOWN;
