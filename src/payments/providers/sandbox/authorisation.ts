import type { Refusal } from '../provider.js';
import { methodNamed } from './methods.js';

/** What has become of a granted authorisation; `captured` is null until it is captured, amounts in minor units. */
export interface Authorisation {
  readonly method: string;
  readonly amount: number;
  readonly captured: number | null;
  readonly refunded: number;
  readonly voided: boolean;
}

/** A later wish about an authorisation; a void has no amount. */
export type Wish = { kind: 'capture' | 'refund'; amount: number } | { kind: 'void' };

/** The verdict on a wish: the authorisation as it is afterwards, or why nothing changed. */
export type Verdict<A> = { refusal: Refusal } | { becomes: A };

/** Judges like a real provider would: one capture, no void after it, no refund beyond it. */
export function judge<A extends Authorisation>(authorisation: A, wish: Wish): Verdict<A> {
  const { amount, captured, refunded, voided } = authorisation;
  if (voided) return { refusal: 'already-voided' };
  switch (wish.kind) {
    case 'capture': {
      if (captured !== null) return { refusal: 'already-captured' };
      const refusal = methodNamed(authorisation.method).captureRefusal;
      if (refusal) return { refusal };
      if (wish.amount > amount) return { refusal: 'exceeds-authorised' };
      return { becomes: { ...authorisation, captured: wish.amount } };
    }
    case 'void':
      if (captured !== null) return { refusal: 'already-captured' };
      return { becomes: { ...authorisation, voided: true } };
    case 'refund':
      if (captured === null) return { refusal: 'not-captured' };
      if (refunded + wish.amount > captured) return { refusal: 'exceeds-captured' };
      return { becomes: { ...authorisation, refunded: refunded + wish.amount } };
  }
}
