import { Injectable } from '@nestjs/common';
import type { RawData, WebSocket } from 'ws';
import { type Failure, invalid } from '../../failure.js';
import { Undecodable } from '../../gates/admit.js';
import { asFailure } from '../../gates/failures.js';
import { SocketChannel } from '../../gates/http/web-socket.js';
import { type SocketCaller, WebSockets } from '../../gates/http/web-sockets.js';
import { parsedJson } from '../../gates/json.js';
import { Frame } from '../../gates/live/frame.js';
import type { Reader } from '../../gates/live/reader.js';
import { Streams } from '../../gates/live/streams.js';
import type { Following } from './following.js';
import { TRACK_ORDERS, TrackOrdersHandler } from './track-orders.js';

/** Many orders live over a WebSocket, `/v1/live`. */
@Injectable()
export class LiveSocket {
  constructor(
    sockets: WebSockets,
    private readonly tracking: TrackOrdersHandler,
    private readonly streams: Streams,
  ) {
    sockets.serve('/v1/live', TRACK_ORDERS, (socket, caller) => this.accept(socket, caller));
  }

  private accept(socket: WebSocket, caller: SocketCaller): void {
    const { scope } = TRACK_ORDERS;
    const reader = this.streams.take(new SocketChannel(socket), { authorization: caller.authorization, scope });
    const following = this.tracking.begin(reader, caller.by);
    let working = Promise.resolve();
    socket.on('message', (data, isBinary) => {
      // One request after the other; what comes meanwhile waits in the socket, not here.
      socket.pause();
      working = working.then(() => this.answer(following, caller, reader, isBinary ? undefined : data));
      void working.then(() => socket.resume());
    });
  }

  private async answer(following: Following, { by }: SocketCaller, reader: Reader, data?: RawData): Promise<void> {
    try {
      const input = data === undefined ? new Undecodable('must be a text message') : parsedJson(data as Buffer);
      if (input instanceof Undecodable) throw invalid([{ field: input.field, message: input.why }], input.code);
      for (const { failure, orderId } of await this.tracking.handle(following, by, input))
        reader.write(refusal(failure, orderId));
    } catch (error) {
      const failure = asFailure(error);
      reader.write(refusal(failure));
      // Half of what was asked for may be followed now: with its cursor the client begins again.
      if (!['invalid', 'exhausted'].includes(failure.kind)) reader.end(failure);
    }
  }
}

const refusal = ({ code, message }: Failure, orderId?: string): Frame =>
  new Frame({ error: { code, message, ...(orderId !== undefined && { orderId }) } });
