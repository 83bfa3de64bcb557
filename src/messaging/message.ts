import { LANES } from './tables.js';

/** A message on its way between modules of this house. `id` is a UUIDv7; on the wire it is written `msg_<id>`. */
export interface Message<B = unknown> {
  id: string;
  type: string;
  key: string;
  body: B;
  /** The `traceparent` it came with (W3C Trace Context); what it causes is part of the same trace. */
  trace?: string;
}

/** A row of the outbox: a message, still as text, and where it goes. */
export interface Outgoing {
  /** `internal:<routing key>` between modules, `public` for the world's copy, `reply:<queue>` for an answer. */
  route: string;
  key: string;
  type: string;
  id: string;
  /** JSON: the `traceparent` of what caused it; of an answer all its headers. */
  headers: string | null;
  body: string;
}

/** The lane of a key (FNV-1a): all messages of one key share one, in outbox and inbox alike. */
export function laneOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % LANES;
}

/** When a UUIDv7 was made, in milliseconds since 1970 by the clock of its maker. */
export const timeOf = (id: string): number => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** The day a UUIDv7 was made on, as `YYYY-MM-DD`: the partition its seen mark lives in. */
export function dayOf(id: string): string {
  return new Date(timeOf(id)).toISOString().slice(0, 10);
}
