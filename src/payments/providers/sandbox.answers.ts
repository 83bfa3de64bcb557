import { REFUSALS, type Refusal, type Settled } from './provider.js';

/** Reads a booked answer out of a body, or nothing if it is not exactly one and for this very key. */
export function settledIn(body: unknown, key: string): Settled | undefined {
  const said = body as Record<string, unknown> | null | undefined;
  // A proxy that mixes answers up must not settle a stranger's payment.
  if (said?.key !== key) return undefined;
  if (said.outcome === 'ok' && typeof said.reference === 'string' && said.reference !== '')
    return { outcome: 'ok', reference: said.reference };
  if (said.outcome === 'refused' && isRefusal(said.reason)) return { outcome: 'refused', reason: said.reason };
  return undefined;
}

const isRefusal = (reason: unknown): reason is Refusal => REFUSALS.includes(reason as Refusal);
