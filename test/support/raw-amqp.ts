import { connect } from 'node:net';
import { once } from 'node:events';

const short = (text: string): Buffer => Buffer.from([Buffer.byteLength(text), ...Buffer.from(text)]);
const long = (bytes: Buffer): Buffer => Buffer.concat([u32(bytes.length), bytes]);
const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255]);
const u32 = (n: number): Buffer => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);

/** A header of a long text. */
export const textHeader = (name: string, text: string): Buffer =>
  Buffer.concat([short(name), Buffer.from('S'), long(Buffer.from(text))]);

/** A header of lists in each other; 5 bytes each. */
export function listHeader(name: string, depth: number): Buffer {
  const lists = Array.from({ length: depth }, (_, n) => Buffer.concat([Buffer.from('A'), u32((depth - n - 1) * 5)]));
  return Buffer.concat([short(name), ...lists]);
}

/** Publishes one message byte by byte as AMQP 0-9-1 has it, because amqplib cannot write what others may: no table over 64 KB. */
export async function publishRaw(url: string, routingKey: string, headers: Buffer[], body: Buffer): Promise<void> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const answered = async () => void (await once(socket, 'data'));
  const send = (type: number, channel: number, payload: Buffer) =>
    socket.write(Buffer.concat([Buffer.from([type]), u16(channel), u32(payload.length), payload, Buffer.from([0xce])]));
  const method = (channel: number, of: number, name: number, ...args: Buffer[]) =>
    send(1, channel, Buffer.concat([u16(of), u16(name), ...args]));
  await once(socket, 'connect');
  socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
  await answered();
  const plain = Buffer.from(`\0${decodeURIComponent(username)}\0${decodeURIComponent(password)}`);
  method(0, 10, 11, u32(0), short('PLAIN'), long(plain), short('en_US'));
  await answered();
  method(0, 10, 31, u16(10), u32(131_072), u16(0));
  method(0, 10, 40, short(decodeURIComponent(pathname.slice(1))), short(''), Buffer.from([0]));
  await answered();
  method(1, 20, 10, short(''));
  await answered();
  method(1, 60, 40, u16(0), short('sanmon.commands'), short(routingKey), Buffer.from([0]));
  const length = Buffer.concat([u32(0), u32(body.length)]);
  // The flag 0x2000: of all properties only headers are here.
  send(2, 1, Buffer.concat([u16(60), u16(0), length, u16(0x2000), long(Buffer.concat(headers))]));
  send(3, 1, body);
  method(0, 10, 50, u16(200), short(''), u16(0), u16(0));
  await answered();
  socket.destroy();
}
