/** Every way a provider proves that it did not do what was asked. Adapters translate their provider's words into these. */
export const REFUSALS = [
  // authorise and capture; the first four reach customers as the reason of a rejected order
  'payment-declined',
  'insufficient-funds',
  'unknown-payment-method',
  'capture-failed',
  // capture, void and refund against what the authorisation has become
  'not-found',
  'already-captured',
  'already-voided',
  'not-captured',
  'exceeds-authorised',
  'exceeds-captured',
  // our mistake: this key was booked for something else, so nothing was done for this call
  'idempotency-key-reused',
] as const;

/** A closed list instead of any string, so that the compiler shows who does not handle a new one. */
export type Refusal = (typeof REFUSALS)[number];

/** What a provider said. `unknown` = no answer or one that proves nothing: ask by key, never assume. */
export type Answer = Settled | { outcome: 'unknown'; why: string };

/**
 * An answer that is booked: the same key gets the same one for ever, a refusal too, so whoever wants to try a refused
 * call once more needs a new key. `reference` names the authorisation, also after capture, void and refund.
 */
export type Settled = { outcome: 'ok'; reference: string } | { outcome: 'refused'; reason: Refusal };

/**
 * What a look-up by key found. `booked: false` says nothing of a call that is still on its way: one that timed out may
 * be booked after the look-up, so go on with the same key.
 */
export type Found = { booked: true; answer: Settled } | { booked: false } | { booked: 'unknown'; why: string };

/** Asks for `amount` minor units of `currency` to be set aside. */
export type AuthoriseCall = { key: string; method: string; amount: number; currency: string; orderId: string };
/** Takes `amount` of what was authorised; once per authorisation. */
export type CaptureCall = { key: string; reference: string; amount: number };
/** Gives an authorisation back that was not captured. */
export type VoidCall = { key: string; reference: string };
/** Pays `amount` of what was captured back; several times, up to the captured sum. */
export type RefundCall = { key: string; reference: string; amount: number };

/**
 * A payment provider. One `key` is one operation however often it is called. No method throws for the provider's
 * trouble: within `timeoutMs` each answers, at worst `unknown`.
 */
export interface PaymentProvider {
  /** Stored with the payment, e.g. `sandbox`. */
  readonly name: string;
  authorise(call: AuthoriseCall, timeoutMs: number): Promise<Answer>;
  capture(call: CaptureCall, timeoutMs: number): Promise<Answer>;
  void(call: VoidCall, timeoutMs: number): Promise<Answer>;
  refund(call: RefundCall, timeoutMs: number): Promise<Answer>;
  find(key: string, timeoutMs: number): Promise<Found>;
}
