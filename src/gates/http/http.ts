import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { Calls } from '../calls.js';
import { CountedCalls } from '../counted-calls.js';
import { FailureFilter } from '../failure.filter.js';
import { Health } from '../health.js';
import { readBody } from './body.js';
import { compress } from './compress.js';
import { allowOrigins } from './cors.js';
import { refuseElsewhere } from './elsewhere.js';
import { HttpReplies } from './replies.js';
import { nameRequest } from './request-id.js';
import { answerOptions } from './routes.js';
import { refuseAmbiguous, refuseUnreadable } from './unreadable.js';

/** Node's own limits are 300 s and 60 s, and it looks every 30 s only: too long to hold a socket for a slow sender. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
/** A connection on which nothing moves: longer than any answer may wait (`Prefer: wait=30`) or a stream is silent (15 s). */
const SILENT_MS = 45_000;

/** What is off unless somebody asks for it. */
export interface HttpOptions {
  /** Whose pages may call from browsers. */
  corsOrigins?: readonly string[];
  /** Which module of another process each path belongs to. */
  elsewhere?: ReadonlyMap<string, string>;
  /** Where the calls of REST and gRPC are counted. */
  calls?: Calls;
}

/**
 * Makes an application (created with `bodyParser: false`) a REST gate. Call it before `init()` and before
 * `connectMicroservice(..., { inheritAppConfig: true })`: the failure filter registered here serves every gate.
 */
export function configureHttp(app: NestExpressApplication, options: HttpOptions = {}): void {
  app.disable('x-powered-by');
  // Ours are versions; Express would hash every body to make one up.
  app.set('etag', false);
  app.use(nameRequest, sendAway(app), refuseAmbiguous);
  allowOrigins(app, options.corsOrigins ?? []);
  app.use(refuseElsewhere(options.elsewhere ?? new Map()), compress, answerOptions, readBody);
  const replies = new HttpReplies();
  app.useGlobalInterceptors(options.calls ? new CountedCalls(options.calls, replies) : replies);
  app.useGlobalFilters(new FailureFilter(options.calls));
  const server = app.getHttpServer() as Server & { connectionsCheckingInterval: number };
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.connectionsCheckingInterval = LOOK_EVERY_MS;
  server.timeout = SILENT_MS;
  server.on('clientError', refuseUnreadable);
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
