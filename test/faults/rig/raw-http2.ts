import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { KEY } from '../../support/house.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const CONTINUATION = 9;
const END_HEADERS = 4;

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** A header without an index and without Huffman's code (RFC 7541, 6.2.2); both shorter than 127 bytes. */
const literal = (name: string, value: string): Buffer =>
  Buffer.from([0, name.length, ...Buffer.from(name), value.length, ...Buffer.from(value)]);

/** POST over http to an rpc of ours, as gRPC has it. */
const headersOf = (path: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literal(':path', path),
    literal(':authority', 'x'),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
    literal('authorization', `Bearer ${KEY}`),
  ]);

/** One connection that speaks HTTP/2 byte by byte, because a library keeps the rules that are to be broken. */
export class RawHttp2 {
  /** How the other side put an end to it: it said GOAWAY, closed the connection, or takes no more of what is sent. */
  ended?: 'goaway' | 'closed' | 'full';
  private heard = Buffer.alloc(0);

  private constructor(private readonly socket: Socket) {
    socket.on('error', () => undefined).on('close', () => (this.ended ??= 'closed'));
    socket.on('data', (bytes: Buffer) => this.hear(bytes));
  }

  static async to(port: number): Promise<RawHttp2> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const connection = new RawHttp2(socket);
    socket.write(PREFACE);
    socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
    return connection;
  }

  /** Opens a stream, by its odd number, and sends nothing on it. */
  open(stream: number, path: string): Promise<void> {
    return this.send(frame(HEADERS, END_HEADERS, stream, headersOf(path)));
  }

  /** Opens a stream and resets it at once (CVE-2023-44487). */
  openAndReset(stream: number, path: string): Promise<void> {
    const reset = Buffer.from([0, 0, 0, 8]);
    return this.send(
      Buffer.concat([frame(HEADERS, END_HEADERS, stream, headersOf(path)), frame(RST_STREAM, 0, stream, reset)]),
    );
  }

  /** Begins headers that shall never end (CVE-2024-27316). */
  beginHeaders(path: string): Promise<void> {
    return this.send(frame(HEADERS, 0, 1, headersOf(path)));
  }

  /** 16 KB more of the headers that were begun. */
  continueHeaders(n: number): Promise<void> {
    const more = Array.from({ length: 140 }, (_, i) => literal(`x-${n}-${i}`, 'x'.repeat(100)));
    return this.send(frame(CONTINUATION, 0, 1, Buffer.concat(more)));
  }

  ping(): Promise<void> {
    return this.send(frame(PING, 0, 0, Buffer.alloc(8)));
  }

  /** Reads no more of what is answered. */
  stopReading(): void {
    this.socket.pause();
  }

  close(): void {
    this.socket.destroy();
  }

  private hear(bytes: Buffer): void {
    this.heard = Buffer.concat([this.heard, bytes]);
    while (this.heard.length >= 9) {
      const length = 9 + this.heard.readUIntBE(0, 3);
      if (this.heard.length < length) return;
      if (this.heard[3] === GOAWAY) this.ended ??= 'goaway';
      this.heard = this.heard.subarray(length);
    }
  }

  /** Waits a second at most where the other side takes no more. */
  private async send(bytes: Buffer): Promise<void> {
    if (this.ended || this.socket.write(bytes)) return;
    const alarm = new AbortController();
    const late = setTimeout(() => alarm.abort(), 1_000);
    const either = ['drain', 'close'].map((event) => once(this.socket, event, alarm));
    await Promise.race(either).catch(() => (this.ended ??= alarm.signal.aborted ? 'full' : 'closed'));
    clearTimeout(late);
    for (const one of either) void one.catch(() => undefined);
    alarm.abort();
  }
}
