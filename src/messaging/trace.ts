import { isId, uuidOf } from '../id.js';
import type { Outgoing } from './message.js';

/** `version-traceid-parentid-flags` (W3C Trace Context, 3.2.2); later versions may append what we do not know. */
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NOTHING = /^0+$/;
const SAMPLED = 0x01;
const LONGEST = 512;

/**
 * The `traceparent` that a caller gave, in the version we speak, or undefined: one that is not valid is ignored and never
 * refused, as the standard wants it. Of its flags only `sampled` travels on.
 */
export function traceOf(given: unknown): string | undefined {
  if (typeof given !== 'string' || given.length > LONGEST) return undefined;
  const [, version, trace, parent, flags, more] = FORM.exec(given.trim()) ?? [];
  if (!trace || NOTHING.test(trace) || NOTHING.test(parent!)) return undefined;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  return `00-${trace}-${parent}-0${parseInt(flags!, 16) & SAMPLED}`;
}

/** The last 8 bytes of a UUIDv7, which are random and never zero: sent again, a message keeps its span. */
const spanOf = (id: string): string => id.slice(-17).replace('-', '');

/** The same trace one hop on: its span is what `id`, a UUIDv7, names. */
export const hop = (trace: string, id: string): string => `${trace.slice(0, 36)}${spanOf(id)}${trace.slice(52)}`;

/** A trace of its own for what `id`, a UUIDv7, names, where nobody gave one: its id is the UUID. */
export const traceFor = (id: string, sampled: boolean): string =>
  `00-${id.replaceAll('-', '')}-${spanOf(id)}-0${sampled ? SAMPLED : 0}`;

/** Whether whoever began a trace wants its spans kept. */
export const isSampled = (trace?: string): trace is string => trace?.endsWith('1') === true;

/** The id of a trace, as whoever keeps traces calls it. */
export const traceId = (trace: string): string => trace.slice(3, 35);

/** What a row of the outbox, the inbox or the timers keeps of the trace it belongs to. */
export const traceHeaders = (trace?: string): string | null =>
  trace === undefined ? null : JSON.stringify({ traceparent: trace });

/** What {@link traceHeaders} kept. */
export const traceIn = (headers: string | null | undefined): string | undefined =>
  headers ? (JSON.parse(headers) as { traceparent?: string }).traceparent : undefined;

/** The `traceparent` a message leaves with; undefined when nobody traces it. */
export function onward({ id, headers }: Pick<Outgoing, 'id' | 'headers'>): string | undefined {
  const trace = traceIn(headers);
  return trace && hop(trace, id);
}

/**
 * The `traceparent` of the world's copy of an event. Where none came, all events of an order are one trace all the same: its
 * id is the order's, whose last 7 bytes are random as the standard asks. Nobody keeps its spans, so it is not sampled.
 */
export const publicTrace = (row: Outgoing): string =>
  onward(row) ?? hop(traceFor(isId('ord', row.key) ? uuidOf(row.key) : row.id, false), row.id);
