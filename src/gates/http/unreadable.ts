import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { NextFunction, Request, Response } from 'express';
import { uuidv7 } from '../../uuid.js';
import { Failure, type FailureKind } from '../../failure.js';
import { problem } from './problem.js';

type Said = [kind: FailureKind, code: string, message: string];

/** What Node's parser can say; everything else is a request that is none (RFC 9112): 400. */
const SAID: Record<string, Said> = {
  HPE_HEADER_OVERFLOW: ['invalid', 'headers-too-large', 'The head of a request holds at most 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['invalid', 'body-too-large', 'The extensions of a chunk are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['invalid', 'request-timeout', 'The request took too long to arrive.'],
};

const MALFORMED: Said = ['invalid', 'malformed-request', 'This is not a request of HTTP/1.1.'];

/** What Node's parser lets pass and another reader may not: refused here, and the connection ends with the answer. */
export function refuseAmbiguous({ headers, rawHeaders }: Request, response: Response, next: NextFunction): void {
  const coding = headers['transfer-encoding'];
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  if ((coding === undefined || coding.toLowerCase() === 'chunked') && hosts <= 1) return next();
  response.setHeader('Connection', 'close');
  next(new Failure(...MALFORMED));
}

/**
 * Ends a connection on which something came that is no request: two readers could disagree where the next one begins
 * (request smuggling), so nothing after it is read. Whoever is still listening is told why.
 */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  // An answer that is on its way must not be torn: then the connection just ends. Node's own handler asks the same.
  const answering = (socket as Socket & { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent;
  if (error.code === 'ECONNRESET' || !socket.writable || answering) return void socket.destroy(error);
  const { status, body: said } = problem(new Failure(...(SAID[error.code ?? ''] ?? MALFORMED)));
  const body = JSON.stringify(said);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      `X-Request-Id: ${uuidv7()}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}
