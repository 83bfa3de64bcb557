import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { Failure } from '../../failure.js';
import { parsedJson } from '../json.js';

/** docs/contract.md, "Limits". */
export const MAX_BODY = 1024 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

/**
 * Reads JSON bodies. What cannot be read at all (too large, another type, compressed) is refused here; what was read and
 * is not JSON becomes an `Undecodable`, so that admission asks for the credential first, as on the other gates.
 */
export const readBody: RequestHandler = (request: Request, _response: Response, next: NextFunction) => {
  if (!hasBody(request)) return next();
  const refusal = refusalOf(request);
  if (refusal) return next(refusal);
  collect(request, (bytes) => {
    if (bytes === TOO_LARGE) return next(tooLarge());
    request.body = bytes.length > 0 ? parsedJson(bytes) : undefined;
    next();
  });
};

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function refusalOf({ method, headers }: Request): Failure | undefined {
  if (method === 'GET' || method === 'HEAD') {
    return new Failure('invalid', 'unexpected-body', `${method} takes no body; everything stands in path and query.`);
  }
  // Never inflated: 1 KiB of gzip can be 1 MiB of anything.
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
    return new Failure(
      'invalid',
      'unsupported-media-type',
      'Bodies are not taken compressed: leave content-encoding out.',
    );
  }
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) {
    return new Failure('invalid', 'unsupported-media-type', 'Bodies are application/json in UTF-8.');
  }
  return Number(headers['content-length'] ?? 0) > MAX_BODY ? tooLarge() : undefined;
}

const tooLarge = (): Failure => new Failure('invalid', 'body-too-large', `A body holds at most ${MAX_BODY} bytes.`);

const TOO_LARGE = Symbol('too large');

/**
 * Collects the body, up to the limit. The answer to a larger one is sent at once; Node then reads and forgets the rest,
 * for 15 s at most (`requestTimeout`), since closing on a client that is still sending would lose the answer.
 */
function collect(request: Request, done: (bytes: Buffer | typeof TOO_LARGE) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= MAX_BODY) return void chunks.push(chunk);
    request.off('data', take).off('end', finish).resume();
    done(TOO_LARGE);
  };
  const finish = (): void => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
  // A client that goes away in the middle emits `error` and `close`: nobody is left to be answered.
  request
    .on('data', take)
    .on('end', finish)
    .on('error', () => undefined);
}
