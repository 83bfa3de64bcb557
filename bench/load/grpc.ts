import { join } from 'node:path';
import protobuf from 'protobufjs';
import { Http2Connection } from './http2.js';
import type { Job, Wire } from './job.js';
import { newKey, ORDERS } from './orders.js';

const KEY_LENGTH = 32;

/** Unary gRPC calls over one HTTP/2 connection, bodies encoded beforehand; grpc-js as a client costs eight times that. */
export class GrpcWire implements Wire {
  private readonly connection: Http2Connection;
  private readonly head: Buffer;
  private readonly keyAt: number;
  private readonly bodies: Buffer[];
  private next: number;

  constructor(job: Job, number: number) {
    const { target, ids } = job;
    const address = target.grpc[number % target.grpc.length]!;
    this.next = number * 31;
    this.bodies = ids ? reading(ids) : placing();
    const { block, keyAt } = headers(address, target.key, ids ? 'GetOrder' : 'PlaceOrder');
    this.head = block;
    this.keyAt = keyAt;
    this.connection = new Http2Connection(address);
  }

  ask(answered: Parameters<Wire['ask']>[0]): void {
    // Written over and over: the connection copies it into its own frame.
    this.head.write(newKey(), this.keyAt, 'latin1');
    this.connection.request(this.head, this.bodies[this.next++ % this.bodies.length]!, answered);
  }

  close(): void {
    this.connection.close();
  }
}

/** The header block of HPACK (RFC 7541) without indexing and without Huffman: always the same bytes but for the key. */
function headers(address: string, key: string, method: string): { block: Buffer; keyAt: number } {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
  const plain = (name: string, value: string) => Buffer.concat([Buffer.from([0x00]), text(name), text(value)]);
  const POST = 0x83;
  const HTTP = 0x86;
  const block = Buffer.concat([
    Buffer.from([POST, HTTP]),
    plain(':path', `/sanmon.orders.v1.OrdersService/${method}`),
    plain(':authority', address),
    plain('content-type', 'application/grpc'),
    plain('te', 'trailers'),
    plain('authorization', `Bearer ${key}`),
    plain('idempotency-key', '0'.repeat(KEY_LENGTH)),
  ]);
  return { block, keyAt: block.length - KEY_LENGTH };
}

const placing = (): Buffer[] => ORDERS.map((order) => framed('PlaceOrderRequest', order));
const reading = (ids: string[]): Buffer[] => ids.map((id) => framed('GetOrderRequest', { id }));

/** A message as gRPC sends it: one byte for compression, four for the length. */
function framed(type: string, value: object): Buffer {
  const Type = schema().lookupType(`sanmon.orders.v1.${type}`);
  const body = Type.encode(Type.fromObject(value)).finish();
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

let loaded: protobuf.Root | undefined;

function schema(): protobuf.Root {
  if (loaded) return loaded;
  const root = new protobuf.Root();
  // `npm run bench` runs in the root of the project.
  root.resolvePath = (_origin, path) => (path.startsWith('google/') ? path : join(process.cwd(), 'proto', path));
  return (loaded = root.loadSync('sanmon/orders/v1/orders.proto'));
}
