import type { PaymentProvider } from './providers/provider.js';

/** Provider token of the {@link PaymentsOptions}. */
export const PAYMENTS_OPTIONS = Symbol('PaymentsOptions');

/** What the process decides for payments. */
export interface PaymentsOptions {
  provider: PaymentProvider;
  /** How long an authorisation is tried, in milliseconds from its first attempt. */
  deadlineMs: number;
}
