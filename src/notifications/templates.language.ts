import type { Kind } from './kind.js';

/** Why an order ended: the codes of docs/contract.md. */
export type Reason =
  | 'payment-declined'
  | 'insufficient-funds'
  | 'unknown-payment-method'
  | 'payment-unavailable'
  | 'out-of-stock'
  | 'capture-failed'
  | 'cancelled-by-customer'
  | 'cancelled-by-operator';

/** Everything a mail says in one language. Nothing here is written by users. */
export interface Language {
  tag: string;
  subject: Record<Kind, (orderId: string) => string>;
  /** What happened, and what became of the money. */
  opening: Record<Kind, string>;
  reason: Record<Reason, string>;
  order: (orderId: string) => string;
  item: string;
  quantity: string;
  amount: string;
  total: string;
  note: string;
}
