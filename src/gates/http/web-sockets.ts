import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Principal } from '../../access/principal.js';
import { Failure } from '../../failure.js';
import { Admission, type Door } from '../admit.js';
import { asFailure } from '../failures.js';
import { Streams } from '../live/streams.js';
import { callersRequestId } from '../request-id.js';
import { credentialOf } from './call.js';
import { Origins } from './origins.js';
import { problem } from './problem.js';

/** 1,000 order ids of the longest kind fit. */
const MAX_MESSAGE = 256 * 1024;

/** Whose socket it is, and with what it was opened. */
export interface SocketCaller {
  by: Principal;
  authorization?: string;
}

interface Place {
  door: Door;
  accept: (socket: WebSocket, caller: SocketCaller) => void;
}

/** The WebSockets of the HTTP server: who may open one is judged before the upgrade, with HTTP's statuses. */
@Injectable()
export class WebSockets implements OnApplicationBootstrap, OnModuleDestroy {
  /** No compression: it costs 300 KiB a socket. */
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    clientTracking: false,
  });
  private readonly places = new Map<string, Place>();

  constructor(
    private readonly http: HttpAdapterHost,
    private readonly admission: Admission,
    private readonly streams: Streams,
    private readonly origins: Origins,
  ) {}

  /** Takes sockets at a path, from callers who may pass this door. */
  serve(path: string, door: Door, accept: Place['accept']): void {
    this.places.set(path, { door, accept });
  }

  onApplicationBootstrap(): void {
    const server = this.http.httpAdapter?.getHttpServer() as Server | undefined;
    if (this.places.size === 0) return;
    server?.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.headers.upgrade?.toLowerCase() !== 'websocket') return asRequest(server, request, socket, head);
      void this.upgrade(request, socket, head);
    });
  }

  onModuleDestroy(): void {
    this.server.close();
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until the upgrade is done nobody else listens, and a reset would end the process.
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    try {
      const path = request.url!.split('?', 1)[0]!;
      const place = this.places.get(path);
      if (!place) throw new Failure('not-found', 'unknown-route', 'There is nothing at this path.');
      this.origins.demand(request.headers);
      const authorization = credentialOf({ originalUrl: request.url!, rawHeaders: request.rawHeaders });
      const requestId = callersRequestId(request.headers['x-request-id'] as string | undefined);
      const { traceparent } = request.headers;
      const call = { authorization, traceparent, via: { gate: 'rest' as const, requestId } };
      await this.admission.open(place.door, call, (by) => {
        this.streams.demandRoom();
        this.server.handleUpgrade(request, socket, head, (opened) => place.accept(opened, { by, authorization }));
      });
    } catch (error) {
      refuse(socket, asFailure(error));
    } finally {
      socket.off('error', ignore);
    }
  }
}

/** Says no in HTTP, as there is no response object yet. */
function refuse(socket: Duplex, failure: Failure): void {
  const { status, headers, body } = problem(failure);
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', text].join('\r\n'));
}

/**
 * Once anybody listens for upgrades, Node hands over every request that offers one, such as curl's `Upgrade: h2c`. HTTP
 * lets us ignore the offer: the request is read again without it.
 */
function asRequest(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!/^(upgrade|connection|http2-settings)$/i.test(rawHeaders[i]!))
      lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
