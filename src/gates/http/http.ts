import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { FailureFilter } from '../failure.filter.js';
import { Health } from '../health.js';
import { readBody } from './body.js';
import { HttpReplies } from './replies.js';
import { answerOptions } from './routes.js';

/** Node's own limits are 300 s and 60 s, and it looks every 30 s only: too long to hold a socket for a slow sender. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 1_000;

/**
 * Makes an application (created with `bodyParser: false`) a REST gate. Call it before `init()` and before
 * `connectMicroservice(..., { inheritAppConfig: true })`: the failure filter registered here serves every gate.
 */
export function configureHttp(app: NestExpressApplication): void {
  app.disable('x-powered-by');
  // Ours are versions; Express would hash every body to make one up.
  app.set('etag', false);
  app.use(sendAway(app), answerOptions, readBody);
  app.useGlobalInterceptors(new HttpReplies());
  app.useGlobalFilters(new FailureFilter());
  const server = app.getHttpServer() as Server & { connectionsCheckingInterval: number };
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.connectionsCheckingInterval = LOOK_EVERY_MS;
}

/** While draining, every answer ends its connection: whoever kept it open looks for another replica before we are gone. */
const sendAway = (app: NestExpressApplication) => {
  let health: Health | undefined;
  return (_request: Request, response: Response, next: NextFunction): void => {
    const known = (health ??= app.get<Health, Health>(Health, { strict: false }));
    if (known.draining) response.setHeader('Connection', 'close');
    next();
  };
};
