import type { NextFunction, Request, Response } from 'express';
import { uuidv7 } from '../../uuid.js';
import { callersRequestId } from '../request-id.js';

const HEADER = 'X-Request-Id';

/** Names every request, by the id its caller gave it or by a new one, and tells the caller with the answer. */
export function nameRequest({ headers }: Request, response: Response, next: NextFunction): void {
  const given = headers['x-request-id'];
  response.setHeader(HEADER, callersRequestId(typeof given === 'string' ? given : undefined) ?? uuidv7());
  next();
}

/** The id of the request that is answered here. */
export const requestIdOf = (response: Pick<Response, 'getHeader'>): string | undefined =>
  response.getHeader(HEADER) as string | undefined;
