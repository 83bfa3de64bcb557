import { connect, type Socket } from 'node:net';

// RFC 9113.
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const DATA = 0x0;
const HEADERS = 0x1;
const RST_STREAM = 0x3;
const SETTINGS = 0x4;
const PING = 0x6;
const GOAWAY = 0x7;
const WINDOW_UPDATE = 0x8;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const HEADER_TABLE_SIZE = 0x1;
const INITIAL_WINDOW_SIZE = 0x4;
const LARGEST_WINDOW = 0x7fffffff;
const FRAME_HEAD = 9;
const FIRST_WINDOW = 65_535;
/** The smallest message a call is answered with; a refusal has headers and no message. */
const GRPC_HEAD = 5;

type Answered = (trouble?: string) => void;

interface Call {
  answered: Answered;
  bytes: number;
}

/**
 * As much of HTTP/2 as unary gRPC calls need. A call has succeeded when a message came before the end of its stream:
 * trailers are not decoded, because a call that fails has no message.
 */
export class Http2Connection {
  private readonly socket: Socket;
  private readonly calls = new Map<number, Call>();
  private readonly waiting: (() => void)[] = [];
  private received: Buffer = Buffer.alloc(0);
  private lastStream = -1;
  private sendWindow = FIRST_WINDOW;
  private taken = 0;

  constructor(address: string) {
    const [host, port] = address.split(':');
    this.socket = connect({ host, port: Number(port), noDelay: true });
    const settings = Buffer.alloc(12);
    settings.writeUInt16BE(HEADER_TABLE_SIZE, 0);
    settings.writeUInt16BE(INITIAL_WINDOW_SIZE, 6);
    settings.writeUInt32BE(LARGEST_WINDOW, 8);
    this.socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings), windowUpdate(LARGEST_WINDOW - 65_535)]));
    this.socket.on('data', (chunk: Buffer) => this.read(chunk));
    this.socket.on('error', (error) => this.failAll(error.message));
    this.socket.on('close', () => this.failAll('the connection was closed'));
  }

  request(headers: Buffer, body: Buffer, answered: Answered): void {
    if (this.sendWindow < body.length) {
      const copy = Buffer.from(headers);
      this.waiting.push(() => this.request(copy, body, answered));
      return;
    }
    this.sendWindow -= body.length;
    const stream = (this.lastStream += 2);
    this.calls.set(stream, { answered, bytes: 0 });
    this.socket.write(
      Buffer.concat([frame(HEADERS, END_HEADERS, stream, headers), frame(DATA, END_STREAM, stream, body)]),
    );
  }

  close(): void {
    this.socket.removeAllListeners('close').destroy();
  }

  private read(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    let at = 0;
    while (this.received.length - at >= FRAME_HEAD) {
      const length = this.received.readUIntBE(at, 3);
      if (this.received.length - at < FRAME_HEAD + length) break;
      const type = this.received[at + 3]!;
      const flags = this.received[at + 4]!;
      const stream = this.received.readUInt32BE(at + 5) & LARGEST_WINDOW;
      this.take(type, flags, stream, this.received.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length));
      at += FRAME_HEAD + length;
    }
    this.received = this.received.subarray(at);
  }

  private take(type: number, flags: number, stream: number, payload: Buffer): void {
    const call = this.calls.get(stream);
    if (type === DATA) {
      if (call) call.bytes += payload.length;
      this.giveBack(payload.length);
    }
    if ((type === DATA || type === HEADERS) && call && flags & END_STREAM)
      this.end(stream, call.bytes >= GRPC_HEAD ? undefined : 'the call ended without a message');
    if (type === RST_STREAM && call) this.end(stream, `the stream was reset with ${payload.readUInt32BE(0)}`);
    if (type === SETTINGS && !(flags & ACK)) this.socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (type === PING && !(flags & ACK)) this.socket.write(frame(PING, ACK, 0, payload));
    if (type === WINDOW_UPDATE && stream === 0) this.mayGoOn(payload.readUInt32BE(0) & LARGEST_WINDOW);
    if (type === GOAWAY) this.failAll('the server says good-bye');
  }

  /** Reopens the window of the connection before it closes. */
  private giveBack(bytes: number): void {
    this.taken += bytes;
    if (this.taken < LARGEST_WINDOW / 2) return;
    this.socket.write(windowUpdate(this.taken));
    this.taken = 0;
  }

  private mayGoOn(bytes: number): void {
    this.sendWindow += bytes;
    for (const again of this.waiting.splice(0)) again();
  }

  private end(stream: number, trouble?: string): void {
    const call = this.calls.get(stream);
    this.calls.delete(stream);
    call?.answered(trouble);
  }

  private failAll(trouble: string): void {
    for (const stream of [...this.calls.keys()]) this.end(stream, trouble);
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(FRAME_HEAD + payload.length);
  whole.writeUIntBE(payload.length, 0, 3);
  whole[3] = type;
  whole[4] = flags;
  whole.writeUInt32BE(stream, 5);
  payload.copy(whole, FRAME_HEAD);
  return whole;
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(WINDOW_UPDATE, 0, 0, payload);
}
