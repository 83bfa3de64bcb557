import type { Response } from 'express';
import type { Budget } from '../../access/rate-limit.js';

/** Tells a client its rate as draft-ietf-httpapi-ratelimit-headers-10 writes it: quota and window, what is left of it. */
export const budgetTo =
  (response: Pick<Response, 'setHeader'>) =>
  ({ perSecond, left }: Budget): void => {
    response.setHeader('RateLimit-Policy', `"caller";q=${perSecond};w=1`);
    response.setHeader('RateLimit', `"caller";r=${left};t=1`);
  };
