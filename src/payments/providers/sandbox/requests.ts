import type { IncomingMessage } from 'node:http';
import type { AuthoriseCall } from '../provider.js';
import type { FollowUp } from './follow-up.js';

const MAX_BODY_BYTES = 64 * 1024;

/** A request the sandbox does not take; the client shows `status` and `message`. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 404 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** Reads the body as a JSON object of at most 64 KiB. */
export async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early must not destroy the connection: the 413 is still to be sent over it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if ((bytes += chunk.length) > MAX_BODY_BYTES) throw new Refused(413, 'the body is larger than 64 KiB');
    chunks.push(chunk);
  }
  const body = parsed(Buffer.concat(chunks).toString());
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refused(400, 'the body is no JSON object');
  return body as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(400, 'the body is no JSON');
  }
}

/** Names the operation; the same over all its attempts. */
export const keyOf = (request: IncomingMessage): string =>
  printable(request.headers['idempotency-key'], 'idempotency-key');

/** What the body of `POST /authorisations` asks for. */
export function authoriseCall(key: string, body: Record<string, unknown>): AuthoriseCall {
  const { currency } = body;
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency))
    throw new Refused(400, 'currency: three capital letters');
  const orderId = printable(body.orderId, 'orderId');
  return { key, method: methodOf(body.method), amount: amountOf(body), currency, orderId };
}

/** What the body of a POST below `/authorisations/{reference}` asks for. */
export function followUpCall(
  key: string,
  kind: FollowUp['kind'],
  reference: string,
  body: Record<string, unknown>,
): FollowUp {
  return kind === 'void' ? { key, kind, reference } : { key, kind, reference, amount: amountOf(body) };
}

/** A value PostgreSQL takes as text whatever a client sends: 1 to 255 printable ASCII characters. */
export function printable(value: unknown, name: string): string {
  if (typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value)) return value;
  throw new Refused(400, `${name}: 1 to 255 printable ASCII characters`);
}

function amountOf({ amount }: Record<string, unknown>): number {
  if (typeof amount === 'number' && Number.isSafeInteger(amount) && amount >= 0) return amount;
  throw new Refused(400, 'amount: minor units, an integer from 0');
}

/** Any name must be refused as unknown rather than as malformed, so what PostgreSQL would not store is replaced. */
function methodOf(method: unknown): string {
  if (typeof method !== 'string') throw new Refused(400, 'method: text');
  return Buffer.from(method.slice(0, 255)).toString().replaceAll('\0', '\ufffd');
}
