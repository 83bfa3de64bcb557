import { Failure, type FailureJson } from '../../failure.js';
import { hop } from '../../messaging/trace.js';
import { uuidv7 } from '../../uuid.js';
import type { Answer } from '../asked.js';
import { pointed } from '../paths.js';

/** Where an answer goes, if anywhere. */
export interface Asker {
  replyTo?: string;
  correlationId?: string;
  /** The `traceparent` of the question. */
  trace?: string;
}

/** A reply as it is sent; the correlation id stands among the headers until then. */
export interface Reply {
  queue: string;
  headers: object;
  body: string;
}

/** The answer for whoever asked to be answered: `{ result }` or `{ failure }`. */
export function reply(asker: Asker, { outcome, replayed, applied }: Answer<unknown>): Reply[] {
  const { replyTo, correlationId, trace } = asker;
  if (!replyTo) return [];
  const headers = {
    correlationId,
    ...(replayed && { 'idempotent-replayed': 'true' }),
    ...(applied !== undefined && { 'preference-applied': applied }),
    ...(trace !== undefined && { traceparent: hop(trace, uuidv7()) }),
  };
  const body = outcome instanceof Failure ? { failure: fault(outcome) } : { result: outcome };
  return [{ queue: replyTo, headers, body: JSON.stringify(body) }];
}

/** The failure with the same places in the input that REST gives. */
function fault(failure: Failure): FailureJson {
  const { details, ...said } = failure.toJSON();
  return { ...said, details: { ...details, ...(details.fields && { fields: details.fields.map(pointed) }) } };
}
