import { Metadata } from '@grpc/grpc-js';
import { unauthenticated } from '../../access/access.js';
import type { Signature } from '../../messaging/outbox/signature.js';

const TIME = 'sanmon-time';
const SIGNATURE = 'sanmon-signature';

/** Clocks of one installation may differ by this; a call that was overheard can be repeated for so long. */
const VALID_MS = 60_000;

/**
 * The proof that a call comes from a process of this house: an HMAC with MESSAGE_SECRET over the method, the time (ms since
 * 1970) and what is asked, in lines. Over what is asked and not over the bytes, so that a newer version may add fields.
 */
export function signedCall(signature: Signature, method: string, asked: string[], now = Date.now()): Metadata {
  const metadata = new Metadata();
  metadata.set(TIME, String(now));
  metadata.set(SIGNATURE, signature.sign(`${method} ${now}`, linesOf(asked)));
  return metadata;
}

/** Throws `unauthenticated` for a call that {@link signedCall} did not sign with our secret within the last minute. */
export function demandSigned(signature: Signature, method: string, asked: string[], metadata: Metadata): void {
  const [time, shown] = [metadata.get(TIME)[0], metadata.get(SIGNATURE)[0]];
  const since = typeof time === 'string' && /^\d{1,15}$/.test(time) ? Math.abs(Date.now() - Number(time)) : Infinity;
  if (since > VALID_MS || !signature.holds(`${method} ${String(time)}`, linesOf(asked), shown)) throw unauthenticated();
}

const linesOf = (asked: string[]): Buffer => Buffer.from(asked.join('\n'));
