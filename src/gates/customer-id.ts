import type { Principal } from '../access/principal.js';
import { Failure } from '../failure.js';

/** The input as this caller means it: a customer's own token stands for the `customerId` that was left out. */
export function withOwnCustomerId(by: Principal, input: unknown): unknown {
  if (by.customerId === undefined || typeof input !== 'object' || input === null || 'customerId' in input) return input;
  return { ...input, customerId: by.customerId };
}

/** Throws when a customer's token names another customer. */
export function demandOwn(by: Principal, customerId: unknown): void {
  if (by.customerId !== undefined && customerId !== by.customerId) throw notYourCustomerId();
}

export const notYourCustomerId = (): Failure =>
  new Failure('forbidden', 'not-your-customer-id', 'A customer acts for itself only: leave customerId out.');
