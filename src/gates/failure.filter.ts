import { Metadata } from '@grpc/grpc-js';
import { Catch, Logger, NotFoundException, Optional, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { throwError, type Observable } from 'rxjs';
import type { Failure } from '../failure.js';
import type { Calls } from './calls.js';
import { asFailure } from './failures.js';
import { grpcStatus } from './grpc/status.js';
import { problem } from './http/problem.js';
import { requestIdOf } from './http/request-id.js';
import { routeFailure } from './http/routes.js';

const logger = new Logger('Failure');

/** The one place where a refusal leaves the house: as a problem over HTTP, as a status over gRPC. */
@Catch()
export class FailureFilter implements ExceptionFilter {
  constructor(@Optional() private readonly calls?: Calls) {}

  catch(error: unknown, host: ArgumentsHost): void | Observable<never> {
    if (host.getType() === 'http') {
      const [request, response] = host.getArgs<[Request, Response]>();
      const failure = error instanceof NotFoundException ? routeFailure(request) : asFailure(error);
      // What a route took is counted with its operation; this is the rest.
      if (!request.route) this.calls?.ended('rest', undefined, failure.kind);
      return answer(failure, response);
    }
    if (host.getArgByIndex(1) instanceof Metadata) return throwError(() => grpcStatus(asFailure(error)));
    // AMQP settles deliveries itself and must see what really happened.
    return throwError(() => error);
  }
}

function answer(failure: Failure, response: Response): void {
  if (response.headersSent) {
    // A stream broke in the middle: a cut connection is the only thing left that the client can notice.
    response.destroy();
    return;
  }
  const { status, headers, body } = problem(failure);
  if (failure.kind === 'internal') {
    const requestId = requestIdOf(response);
    logger.error(`request ${requestId}: ${failure.message}`, { requestId });
  }
  const text = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': text.length,
  });
  response.end(text);
}

export { asFailure };
