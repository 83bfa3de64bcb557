import { type ChildProcess, spawn } from 'node:child_process';
import { type ClientHttp2Session, connect } from 'node:http2';
import { join } from 'node:path';
import { protoCodec } from '../../../src/gates/grpc/codec.js';
import { KEY } from '../../support/house.js';

/** Readers that stop reading as soon as they have asked. */
export interface DeafReaders {
  close(): void;
}

/** Sockets that send these bytes and read nothing. */
export async function deafSockets(port: number, count: number, bytes: Buffer): Promise<DeafReaders> {
  const child: ChildProcess = spawn('python3', [join(import.meta.dirname, 'deaf.py'), String(port), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin!.write(`${bytes.length}\n`);
  child.stdin!.write(bytes);
  await new Promise<void>((resolve, reject) => {
    child.stdout!.once('data', () => resolve());
    child.once('error', reject).once('exit', (code) => reject(new Error(`deaf.py ended with ${code}`)));
  });
  return { close: () => child.kill('SIGKILL') };
}

export const askForEvents = (id: string): Buffer =>
  Buffer.from(`GET /v1/orders/${id}/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`);

/** The upgrade and one text message, masked with zeroes. */
export function askForSocket(request: object): Buffer {
  const text = Buffer.from(JSON.stringify(request));
  const upgrade = [
    'GET /v1/live HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${KEY}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(upgrade), Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
}

/** gRPC streams, each on a connection of its own, whose window is never opened again. */
export function deafStreams(port: number, count: number, id: string): DeafReaders & { closed: number } {
  const message = protoCodec('sanmon.orders.v1.WatchOrderRequest').encode({ id });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const sessions: ClientHttp2Session[] = [];
  const readers = {
    closed: 0,
    close: () => sessions.forEach((session) => session.destroy()),
  };
  for (let i = 0; i < count; i++) {
    const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined);
    sessions.push(session);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/sanmon.orders.v1.OrdersService/WatchOrder',
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${KEY}`,
    });
    stream.on('error', () => undefined).on('close', () => readers.closed++);
    stream.end(Buffer.concat([prefix, message]));
  }
  return readers;
}
