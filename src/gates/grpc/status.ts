import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { Failure, type FailureDetails, type FailureKind } from '../../failure.js';
import { anyOf, googleRpc } from './google-rpc.js';

const CODES: Record<FailureKind, status> = {
  invalid: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  'not-found': status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  precondition: status.ABORTED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  deadline: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  elsewhere: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

/** The status code a kind of failure has over gRPC. */
export const codeOf = (kind: FailureKind): status => CODES[kind];

/**
 * Many clients and proxies take 8 KB of trailers at most. `grpc-message` is percent-encoded (a kanji is nine bytes there)
 * and stands beside the details, which travel as base64 and repeat it: 1.5 KB + 4/3 × 4.5 KB stay below.
 */
const MESSAGE_BYTES = 1_500;
const DETAIL_BYTES = 4_500;
const VALUE_BYTES = 300;

const replays = new WeakSet<Failure>();

/** A copy that is answered with `idempotent-replayed`; a copy, because in one set the first caller got the same object. */
export function asReplayed(failure: Failure): Failure {
  const copy = Failure.fromJSON(failure.toJSON());
  replays.add(copy);
  return copy;
}

/** A Failure as gRPC says it: code, sentence, and google.rpc.Status in `grpc-status-details-bin` (AIP-193). */
export function grpcStatus(failure: Failure): StatusObject {
  const code = CODES[failure.kind];
  const details = encodable(failure.kind === 'internal' ? sentenceOf(failure) : failure.message, MESSAGE_BYTES);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', richStatus(failure, code, details));
  if (replays.has(failure)) metadata.set('idempotent-replayed', 'true');
  return { code, details, metadata };
}

const sentenceOf = ({ details }: Failure): string =>
  typeof details['id'] === 'string' ? `Something went wrong here (${details['id']}).` : 'Something went wrong here.';

function richStatus({ kind, code, details: said }: Failure, number: status, message: string): Buffer {
  const details = [anyOf('ErrorInfo', { reason: reasonOf(code), domain: 'sanmon', metadata: facts(kind, code, said) })];
  if (kind !== 'internal') {
    const retryAfter = said.retryAfter ?? (kind === 'exhausted' || kind === 'unavailable' ? 1 : undefined);
    if (retryAfter !== undefined) details.push(anyOf('RetryInfo', { retryDelay: duration(retryAfter) }));
    const room = DETAIL_BYTES - size(details) - Buffer.byteLength(message);
    if (said.fields?.length) details.push(anyOf('BadRequest', { fieldViolations: fitting(said.fields, room) }));
  }
  return Buffer.from(googleRpc('Status').encode({ code: number, message, details }).finish());
}

/** AIP-193: `[A-Z][A-Z0-9_]+[A-Z0-9]`, at most 63 characters. */
const reasonOf = (code: string): string => code.toUpperCase().replaceAll('-', '_').slice(0, 63);

/** What else may be told, as ErrorInfo's map of strings; of our own bug only the id. */
function facts(kind: FailureKind, code: string, details: FailureDetails): Record<string, string> {
  const told: Record<string, string> = { code };
  for (const [name, value] of Object.entries(details).slice(0, 8)) {
    if (kind === 'internal' && name !== 'id') continue;
    if (name === 'fields' || name === 'retryAfter' || !/^[a-z][A-Za-z0-9]{0,63}$/.test(name)) continue;
    if (['string', 'number', 'boolean'].includes(typeof value)) told[name] = cut(String(value), VALUE_BYTES);
  }
  return told;
}

const duration = (seconds: number) => ({
  seconds: Math.floor(seconds),
  nanos: Math.round((seconds - Math.floor(seconds)) * 1e9),
});

const size = (details: { value: Uint8Array }[]): number =>
  details.reduce((sum, { value }) => sum + value.length + 64, 0);

/** As many violations as fit; the last says how many more there were. */
function fitting(fields: NonNullable<FailureDetails['fields']>, room: number) {
  const kept: { field: string; description: string }[] = [];
  let left = room - 100;
  for (const { field, message } of fields) {
    const violation = { field: cut(field, VALUE_BYTES), description: cut(message, VALUE_BYTES) };
    left -= Buffer.byteLength(violation.field) + Buffer.byteLength(violation.description) + 12;
    if (left < 0) return [...kept, { field: '', description: `and ${fields.length - kept.length} more` }];
    kept.push(violation);
  }
  return kept;
}

/** At most so many bytes of UTF-8, never half a character; a lone surrogate becomes U+FFFD (encodeURI would throw). */
function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return whole.toString();
  let end = bytes - 3;
  while (end > 0 && (whole[end]! & 0xc0) === 0x80) end--;
  return `${whole.toString('utf8', 0, end)}…`;
}

/** The same, counted as grpc-js will send it: percent-encoded. */
function encodable(text: string, bytes: number): string {
  let short = cut(text, bytes);
  while (encodeURI(short).length > bytes) short = cut(short, Math.floor(Buffer.byteLength(short) * 0.8));
  return short;
}
