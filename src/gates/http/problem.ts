import { pointed, type Pointed } from '../paths.js';
import type { Failure, FailureKind } from '../../failure.js';

/** RFC 9457, as it is sent with `application/problem+json`. */
export interface Problem {
  /** `/docs/errors#<code>`: stable, so clients may compare it, and it leads to the catalogue of the house that said it. */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance?: string;
  errors?: Pointed[];
  /** Seconds after which asking again makes sense; the same as the header. */
  retryAfter?: number;
  /** What else this failure tells, e.g. the state that forbids it. */
  details?: Record<string, unknown>;
}

const BY_KIND: Record<FailureKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  precondition: 412,
  exhausted: 429,
  unavailable: 503,
  deadline: 504,
  cancelled: 499,
  elsewhere: 421,
  internal: 500,
};

/** Where HTTP says more exactly what the other gates say by kind alone. */
const BY_CODE: Record<string, number> = {
  'idempotency-key-reused': 422,
  'idempotency-key-in-use': 409,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  'request-timeout': 408,
  'body-too-large': 413,
  'headers-too-large': 431,
  'unsupported-media-type': 415,
};

/** The status a failure has over HTTP (docs/architecture.md). */
export const statusOf = ({ kind, code }: Failure): number =>
  Object.hasOwn(BY_CODE, code) ? BY_CODE[code]! : BY_KIND[kind];

/** A Failure as HTTP says it. Of our own bugs (`internal`) nothing is told but the id they were logged under. */
export function problem(failure: Failure, instance?: string) {
  const { kind, code, message, details } = failure;
  const status = statusOf(failure);
  const { fields, retryAfter = status === 503 || status === 429 ? 1 : undefined, ...others } = details;
  const body: Problem = { type: `/docs/errors#${code}`, title: titleOf(code), status, detail: message, code };
  if (kind === 'internal') {
    const id = typeof details['id'] === 'string' ? details['id'] : undefined;
    body.detail = id ? `Something went wrong here (${id}).` : 'Something went wrong here.';
    return { status, headers: {}, body: { ...body, ...(id && { instance: `urn:sanmon:incident:${id}` }) } };
  }
  if (instance) body.instance = instance;
  if (fields) body.errors = fields.map(pointed);
  if (retryAfter !== undefined) body.retryAfter = Math.ceil(retryAfter);
  if (Object.keys(others).length > 0) body.details = others;
  return { status, headers: headersOf(failure, body), body };
}

function headersOf({ details }: Failure, { status, retryAfter, code }: Problem): Record<string, string> {
  const headers: Record<string, string> = {};
  const waits = status === 429 || status === 503 || code === 'idempotency-key-in-use';
  if (waits) headers['Retry-After'] = String(retryAfter ?? 1);
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer';
  if (status === 405 && Array.isArray(details['allow'])) headers['Allow'] = details['allow'].join(', ');
  return headers;
}

/** `order-not-found` → `Order not found`: one title for one type, as RFC 9457 wants it. */
const titleOf = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('-', ' ');
