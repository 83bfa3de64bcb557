import { type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { get, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { GrpcClient } from './grpc-client.js';
import { KEY } from './house.js';
import type { Json } from './shop.js';

export type LiveKind = 'sse' | 'ws' | 'grpc' | 'grpc-many';
export const LIVE_KINDS: LiveKind[] = ['sse', 'ws', 'grpc', 'grpc-many'];

/** Where a live client connects. */
export interface LiveAt {
  origin: string;
  grpc: GrpcClient;
}

/** One stream of updates, whatever it comes over: what was told, and how it ended. */
export class LiveClient {
  readonly updates: Json[] = [];
  readonly errors: Json[] = [];
  /** Comments, `retry` and the like of an event stream. */
  text = '';
  /** How it ended: an HTTP status, a close code, or the name of a gRPC status; `end` = an event stream that ended. */
  ended?: string | number;
  opened = false;
  send: (request: object) => void = () => undefined;
  private cut: () => void = () => undefined;
  private left = false;

  /** Follows one order. */
  static follow(kind: LiveKind, at: LiveAt, id: string, cursor?: string): LiveClient {
    const client = new LiveClient();
    const from = cursor === undefined ? {} : { cursor };
    if (kind === 'sse') client.overSse(at.origin, `/v1/orders/${id}/live`, cursor);
    else if (kind === 'grpc') client.overGrpc(at.grpc.stream('orders.WatchOrder', { id, ...from }));
    else client.many(kind, at, { track: [id], ...from });
    return client;
  }

  /** Follows many orders. */
  static track(kind: 'ws' | 'grpc-many', at: LiveAt, request: object): LiveClient {
    const client = new LiveClient();
    client.many(kind, at, request);
    return client;
  }

  get cursor(): string | undefined {
    return this.updates.at(-1)?.cursor as string | undefined;
  }

  get sequences(): number[] {
    return this.updates.map((update) => Number(update.sequence));
  }

  /** Goes away without a word. */
  close(): void {
    this.left = true;
    this.cut();
  }

  /** What arrives after it went away was never seen. */
  private hear(update: Json): void {
    if (!this.left) this.updates.push(update);
  }

  private many(kind: LiveKind, at: LiveAt, request: object): void {
    if (kind === 'ws') return this.overWs(at.origin, request);
    const call = at.grpc.stream('orders.TrackOrders');
    this.send = (more) => void call.write(more);
    this.overGrpc(call);
    this.send(request);
  }

  overSse(origin: string, path: string, cursor?: string, headers: Record<string, string> = bearer): void {
    const last: Record<string, string> = cursor === undefined ? {} : { 'last-event-id': cursor };
    const request = get(origin + path, { headers: { ...headers, ...last }, agent: false }, (response) => {
      this.opened = response.statusCode === 200;
      if (!this.opened) this.ended = response.statusCode;
      this.readEvents(response);
    });
    request.on('error', () => (this.ended ??= 'gone'));
    this.cut = () => request.destroy();
  }

  private readEvents(response: IncomingMessage): void {
    let rest = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
      const events = (rest + chunk).split('\n\n');
      rest = events.pop()!;
      for (const event of events) {
        const lines = event.split('\n');
        const data = lines.find((line) => line.startsWith('data: '))?.slice(6);
        if (!data) continue;
        const update: Json = JSON.parse(data);
        if (`id: ${update.cursor}` !== lines[0]) throw new Error(`the id is not the cursor: ${event}`);
        this.hear(update);
      }
    });
    response.on('end', () => (this.ended ??= 'end')).on('error', () => (this.ended ??= 'gone'));
  }

  overWs(origin: string, request?: object, headers: Record<string, string> = bearer, query = ''): void {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/v1/live${query}`, { headers });
    socket.on('open', () => {
      this.opened = true;
      if (request) socket.send(JSON.stringify(request));
    });
    socket.on('message', (data: Buffer) => {
      const message: Json = JSON.parse(data.toString());
      if (message.error) this.errors.push(message);
      else this.hear(message);
    });
    socket.on('unexpected-response', (_, response) => (this.ended = response.statusCode));
    socket.on('close', (code) => (this.ended ??= code));
    socket.on('error', () => undefined);
    this.send = (more) => socket.send(typeof more === 'string' ? more : JSON.stringify(more));
    this.cut = () => socket.terminate();
  }

  overGrpc(call: ClientDuplexStream<object, object>): void {
    call.on('metadata', () => (this.opened = true));
    call.on('data', (update: Json) => this.hear(update));
    call.on('error', (error: ServiceError) => (this.ended ??= status[error.code]));
    call.on('end', () => setImmediate(() => (this.ended ??= 'OK')));
    this.cut = () => call.cancel();
  }
}

const bearer = { authorization: `Bearer ${KEY}` };
