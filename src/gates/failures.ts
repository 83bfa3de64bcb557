import { HttpException, Logger } from '@nestjs/common';
import { v4 } from 'uuid';
import { isBusy, isConnectionError } from '../database/database.js';
import { Failure, unavailable, type FailureKind } from '../failure.js';

const logger = new Logger('Failure');

/** One error object can end a whole set of calls: it is logged once and all of them quote the same id. */
const known = new WeakMap<object, Failure>();

/** Whatever was thrown, as something that may be told: what nobody foresaw is logged and becomes an id. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure && (error.kind !== 'internal' || typeof error.details['id'] === 'string')) return error;
  if (error instanceof HttpException) return ofHttp(error);
  if (isConnectionError(error)) return unavailable('database-unavailable', 'The database cannot be reached just now.');
  if (isBusy(error)) return unavailable('database-busy', 'Somebody else holds what this needs; ask again.');
  return known.get(Object(error) as object) ?? ofBug(error);
}

function ofBug(error: unknown): Failure {
  const id = v4();
  const stack = error instanceof Error ? (error.stack ?? error.message) : `thrown: ${String(error)}`;
  logger.error(`${id} ${stack}`);
  const failure = new Failure('internal', 'internal', `Something went wrong here (${id}).`, { id });
  if (typeof error === 'object' && error !== null) known.set(error, failure);
  return failure;
}

/** What Nest and Express refuse by themselves, before or beside our own code. Their sentences quote input: not repeated. */
const BY_STATUS: Record<number, [FailureKind, string, string]> = {
  400: ['invalid', 'malformed-request', 'The path or another part of this request is malformed.'],
  401: ['unauthenticated', 'unauthenticated', 'This needs a credential.'],
  403: ['forbidden', 'forbidden', 'This is not allowed.'],
  404: ['not-found', 'unknown-route', 'There is nothing at this path.'],
  413: ['invalid', 'body-too-large', 'The body is too large.'],
  415: ['invalid', 'unsupported-media-type', 'Bodies are application/json in UTF-8.'],
  429: ['exhausted', 'too-many-requests', 'Too many requests; ask again later.'],
  503: ['unavailable', 'unavailable', 'This cannot be done just now.'],
};

function ofHttp(error: HttpException): Failure {
  const said = BY_STATUS[error.getStatus()];
  if (said) return new Failure(...said);
  return error.getStatus() >= 500 ? ofBug(error) : new Failure('invalid', 'refused', 'This request was refused.');
}
