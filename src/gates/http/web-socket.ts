import type { WebSocket } from 'ws';
import type { Failure } from '../../failure.js';
import type { Channel } from '../live/channel.js';
import type { Frame } from '../live/frame.js';

/** Close codes: RFC 6455 and the IANA registry below 4000; ours say what HTTP would say. */
const CODES: Partial<Record<Failure['kind'], number>> = {
  unauthenticated: 4401,
  forbidden: 4403,
  exhausted: 1013,
  unavailable: 1012,
};

/** The sending side of a WebSocket; one text message a frame. */
export class SocketChannel implements Channel {
  private alive = true;

  constructor(private readonly socket: WebSocket) {
    socket.on('pong', () => (this.alive = true));
    // What is wrong with a frame closes the socket; without a listener it would end the process.
    socket.on('error', () => undefined);
  }

  encode(frame: Frame): Buffer {
    return frame.json;
  }

  send(bytes: Buffer, sent: () => void): void {
    this.socket.send(bytes, { binary: false }, () => sent());
  }

  beat(): void {
    if (!this.alive) return this.socket.terminate();
    this.alive = false;
    this.socket.ping();
  }

  end(why?: Failure): void {
    this.socket.close((why && CODES[why.kind]) ?? (why ? 1011 : 1000), why?.code);
  }

  destroy(): void {
    this.socket.terminate();
  }

  onGone(gone: () => void): void {
    this.socket.on('close', gone);
  }
}
