import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller, Module, UseFilters, UseInterceptors, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod } from '@nestjs/microservices';
import { Type } from 'class-transformer';
import { ArrayMinSize, IsIn, IsInt, IsOptional, IsString, Length, Max, Min, ValidateNested } from 'class-validator';
import { protoPath } from 'grpc-health-check';
import { Access } from '../../access/access.js';
import { notFound } from '../../failure.js';
import { Admission } from '../admit.js';
import type { Answer, Asked } from '../asked.js';
import { FailureFilter } from '../failure.filter.js';
import { Input } from '../input.decorator.js';
import { Operation } from '../operation.js';
import { protoCodec } from './codec.js';
import { googleRpc } from './google-rpc.js';
import { GrpcGate } from './grpc.server.js';
import { GrpcReplies } from './replies.js';
import { eventually } from '../../../test/support/eventually.js';

class Line {
  @Length(1, 64) sku!: string;
  @IsInt() @Min(1) @Max(10_000) quantity!: number;
}

@Operation({ name: 'orders.place', scope: 'orders:write', kind: 'command' })
class PlaceOrder {
  @Length(1, 64) customerId!: string;
  @IsString() email!: string;
  @IsString() currency!: string;
  @ValidateNested() @Type(() => Line) @ArrayMinSize(1) lines!: Line[];
  @IsString() paymentMethod!: string;
  @IsOptional() @IsString() note?: string;
}

@Operation({ name: 'orders.get', scope: 'orders:read', kind: 'query' })
class GetOrder {
  @IsString() id!: string;
}

@Operation({ name: 'orders.list', scope: 'orders:read', kind: 'query' })
class ListOrders {
  @IsOptional() @IsIn(['PLACED']) state?: string;
}

const order = (id: string, note?: string) => ({
  id,
  state: 'PLACED',
  customerId: 'cus_1',
  email: 'a@example.com',
  currency: 'JPY',
  lines: [{ sku: 'A', name: '門', quantity: 1, unitPrice: 1200, amount: 1200 }],
  total: 1200,
  paymentMethod: 'pm_ok',
  locale: 'en',
  ...(note && { note }),
  version: 1,
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-02T03:04:05.678Z',
});

let slowBegins = (): void => undefined;

const fresh = <R>(outcome: R): Answer<R> => ({ outcome, replayed: false });

@Controller()
@UseFilters(FailureFilter)
@UseInterceptors(GrpcReplies)
class OrdersGrpcController {
  @GrpcMethod('OrdersService', 'PlaceOrder')
  place(@Input(PlaceOrder) { key, command }: Asked<PlaceOrder>) {
    return fresh(order(`ord_${key}`, command.note));
  }

  @GrpcMethod('OrdersService', 'GetOrder')
  async get(@Input(GetOrder) { command: { id } }: Asked<GetOrder>): Promise<Answer<object>> {
    if (id === 'slow') {
      slowBegins();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    if (id === 'bug') throw new Error('SELECT secret FROM orders');
    if (id === 'misshapen') return fresh({ ...order(id), state: 'LOST' });
    const outcome = id.startsWith('missing') ? notFound('order', id) : order(id);
    return { outcome, replayed: id.endsWith('again') };
  }

  @GrpcMethod('OrdersService', 'ListOrders')
  list(@Input(ListOrders) _asked: Asked<ListOrders>) {
    return fresh({ orders: [order('ord_1'), order('ord_2')], nextPageToken: 'next' });
  }
}

const access = { principal: async () => ({ name: 'tester', scopes: new Set() }), demand: () => undefined };

@Module({ controllers: [OrdersGrpcController], providers: [Admission, { provide: Access, useValue: access }] })
class ToyModule {}

let gate: GrpcGate;
let app: INestMicroservice;
let client: Client;

/** What the house says of itself. */
let ready = true;

beforeAll(async () => {
  gate = new GrpcGate({
    ...{ host: '127.0.0.1', port: 0, modules: ['orders', 'notifications'], closeWithinMs: 2_000 },
    ready: () => Promise.resolve(ready),
  });
  app = await NestFactory.createMicroservice(ToyModule, { strategy: gate, logger: false });
  await app.listen();
  client = new Client(`127.0.0.1:${gate.port}`, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 });
});
afterAll(async () => {
  client.close();
  await app.close();
});

const ORDERS = '/sanmon.orders.v1.OrdersService';
const same = (bytes: Buffer): Buffer => bytes;

interface Reply {
  code: number;
  details: string;
  trailers: Metadata;
  headers: Metadata;
  body?: Buffer;
}

/** One call with bytes of our choosing: what a client library would never send. */
function send(method: string, bytes: Buffer, metadata = new Metadata(), to = client): Promise<Reply> {
  return new Promise((resolve) => {
    let headers = new Metadata();
    const call = to.makeUnaryRequest(
      method,
      same,
      same,
      bytes,
      metadata,
      { deadline: Date.now() + 60_000 },
      (error: ServiceError | null, body?: Buffer) =>
        error
          ? resolve({ code: error.code, details: error.details, trailers: error.metadata, headers })
          : resolve({ code: status.OK, details: '', trailers: new Metadata(), headers, body }),
    );
    call.on('metadata', (received: Metadata) => (headers = received));
  });
}

const get = (id: string) => send(`${ORDERS}/GetOrder`, protoCodec('sanmon.orders.v1.GetOrderRequest').encode({ id }));
const placing = protoCodec('sanmon.orders.v1.PlaceOrderRequest');
const good = {
  customerId: 'cus_1',
  email: 'a@example.com',
  currency: 'JPY',
  lines: [{ sku: 'A', quantity: 1 }],
  paymentMethod: 'pm_ok',
};
const place = (bytes: Buffer, metadata?: Metadata) => send(`${ORDERS}/PlaceOrder`, bytes, metadata);
const violated = ({ trailers }: Reply): string[] => {
  const rich = googleRpc('Status').decode(trailers.get('grpc-status-details-bin')[0] as Buffer);
  const { details } = googleRpc('Status').toObject(rich) as { details: { typeUrl: string; value: Buffer }[] };
  const found = details.find(({ typeUrl }) => typeUrl.endsWith('BadRequest'))!;
  const { fieldViolations } = googleRpc('BadRequest').toObject(googleRpc('BadRequest').decode(found.value)) as {
    fieldViolations: { field: string }[];
  };
  return fieldViolations.map(({ field }) => field);
};

describe('the gRPC gate', () => {
  it('answers a call', async () => {
    const metadata = new Metadata();
    metadata.set('idempotency-key', '"k-1"');
    const { code, body } = await place(placing.encode({ ...good, note: '三門' }), metadata);
    expect(code).toBe(status.OK);
    expect(protoCodec('sanmon.orders.v1.Order').decode(body!)).toStrictEqual(order('ord_k-1', '三門'));
  });

  it('answers what a stock client understands', async () => {
    const { body } = await send(`${ORDERS}/ListOrders`, Buffer.alloc(0));
    expect(protoCodec('sanmon.orders.v1.ListOrdersResponse').decode(body!)).toStrictEqual({
      orders: [order('ord_1'), order('ord_2')],
      nextPageToken: 'next',
    });
  });

  it('marks replays, of results in the headers and of refusals in the trailers', async () => {
    const [result, refusal, first] = await Promise.all([get('ord-again'), get('missing-again'), get('missing')]);
    expect([result.code, result.headers.get('idempotent-replayed')]).toEqual([status.OK, ['true']]);
    expect([refusal.code, refusal.trailers.get('idempotent-replayed')]).toEqual([status.NOT_FOUND, ['true']]);
    expect([first.code, first.trailers.get('idempotent-replayed')]).toEqual([status.NOT_FOUND, []]);
  });

  it('refuses an idempotency key given twice', async () => {
    const metadata = new Metadata();
    metadata.add('idempotency-key', 'a');
    metadata.add('idempotency-key', 'b');
    const reply = await place(placing.encode(good), metadata);
    expect([reply.code, violated(reply)]).toEqual([status.INVALID_ARGUMENT, ['idempotency-key']]);
  });

  it('tells of its own bugs nothing but an id', async () => {
    const { code, details } = await get('bug');
    expect([code, details]).toEqual([status.INTERNAL, expect.stringMatching(/^Something went wrong here \(.+\)\.$/)]);
    expect((await get('misshapen')).code).toBe(status.INTERNAL);
  });

  it('names the module that lives elsewhere', async () => {
    const reply = await send('/sanmon.payments.v1.PaymentsService/GetPayment', Buffer.alloc(0));
    expect([reply.code, reply.details]).toEqual([
      status.UNIMPLEMENTED,
      'The module payments lives in another process.',
    ]);
  });
});

it('tells connections of a certain age to go, so that clients look up where to connect', async () => {
  const aged = new GrpcGate({ host: '127.0.0.1', port: 0, modules: ['orders'], connectionAgeMs: 200 });
  const itsApp = await NestFactory.createMicroservice(ToyModule, { strategy: aged, logger: false });
  await itsApp.listen();
  const session = connect(`http://127.0.0.1:${aged.port}`);
  const [code] = (await once(session, 'goaway')) as [number];
  session.destroy();
  await itsApp.close();
  expect(code).toBe(0); // NO_ERROR: calls in flight end as they would
});

it('lets a client that is told to go call on without an error, over one connection after the other', async () => {
  const aged = new GrpcGate({ host: '127.0.0.1', port: 0, modules: ['orders'], connectionAgeMs: 100 });
  const itsApp = await NestFactory.createMicroservice(ToyModule, { strategy: aged, logger: false });
  await itsApp.listen();
  let connections = 0;
  const count = () => void connections++;
  subscribe('net.server.socket', count);
  const client = new Client(`127.0.0.1:${aged.port}`, credentials.createInsecure());
  const whole = (bytes: Buffer): Buffer => bytes;
  const errors: string[] = [];
  let calls = 0;
  try {
    const until = performance.now() + 20_000;
    for (; (calls <= 50 || connections <= 3) && performance.now() < until; calls++)
      await new Promise<void>((resolve) =>
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', whole, whole, Buffer.alloc(0), (error) => {
          if (error) errors.push(error.message);
          setTimeout(resolve, 2);
        }),
      );
  } finally {
    unsubscribe('net.server.socket', count);
    client.close();
    await itsApp.close();
  }
  expect(errors).toEqual([]);
  expect(connections).toBeGreaterThan(3);
  expect(calls).toBeGreaterThan(50);
});

describe('hostile input', () => {
  const line = (value: string) => {
    const varint: number[] = [];
    for (let left = BigInt.asUintN(64, BigInt(value)); ; left >>= 7n) {
      varint.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
      if (left <= 0x7fn) break;
    }
    const bytes = [(1 << 3) | 2, 1, 65, 2 << 3, ...varint];
    return Buffer.concat([placing.encode({ ...good, lines: [] }), Buffer.from([(4 << 3) | 2, bytes.length, ...bytes])]);
  };
  const whole = placing.encode(good);
  const invalidUtf8 = Buffer.from(whole);
  invalidUtf8[whole.indexOf('cus_1')] = 0xff;

  it.each<[string, Buffer, string]>([
    ['invalid UTF-8', invalidUtf8, 'customerId'],
    ['a truncated field', whole.subarray(0, -3), 'paymentMethod'],
    ['groups 20,000 deep', Buffer.concat(Array<Buffer>(20_000).fill(Buffer.from([0xa3, 0x06]))), 'body'],
    ['20,000 lines', Buffer.concat(Array<Buffer>(20_000).fill(Buffer.from([0x22, 0]))), 'lines[10000]'],
    ['quantity -5', line('-5'), 'lines[0].quantity'],
    ['quantity 2^53 + 1', line('9007199254740993'), 'lines[0].quantity'],
    ['quantity 2^63', line('9223372036854775808'), 'lines[0].quantity'],
    ['bytes that are nothing', Buffer.from('{"customerId":"cus_1"}'), 'body'],
  ])('%s is INVALID_ARGUMENT', async (_what, bytes, field) => {
    const reply = await place(bytes);
    expect([reply.code, violated(reply)]).toEqual([status.INVALID_ARGUMENT, [field]]);
  });

  it('an unknown enum number is INVALID_ARGUMENT', async () => {
    const reply = await send(`${ORDERS}/ListOrders`, Buffer.from([2 << 3, 99]));
    expect([reply.code, violated(reply)]).toEqual([status.INVALID_ARGUMENT, ['state']]);
  });

  it('5 MB is RESOURCE_EXHAUSTED, and the connection lives on', async () => {
    const reply = await place(placing.encode({ ...good, note: 'x'.repeat(5_000_000) }));
    expect(reply.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await get('ord_1')).code).toBe(status.OK);
  });

  it('a gzip bomb is RESOURCE_EXHAUSTED', async () => {
    const bomb = placing.encode({ ...good, note: 'x'.repeat(100_000_000) });
    expect(gzipSync(bomb).length).toBeLessThan(200_000);
    const gzipping = new Client(`127.0.0.1:${gate.port}`, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': 2,
      'grpc.max_send_message_length': -1,
    });
    const bombed = await send(`${ORDERS}/PlaceOrder`, bomb, new Metadata(), gzipping);
    const small = await send(`${ORDERS}/PlaceOrder`, whole, new Metadata(), gzipping);
    gzipping.close();
    expect([bombed.code, small.code]).toEqual([status.RESOURCE_EXHAUSTED, status.OK]);
  });

  it.each([`${ORDERS}/Missing`, `${ORDERS}/placeOrder`, '/sanmon.orders.v1.ordersservice/PlaceOrder', '/nothing/here'])(
    '%s is UNIMPLEMENTED',
    async (path) => {
      expect((await send(path, whole)).code).toBe(status.UNIMPLEMENTED);
    },
  );
});

describe('what describes the gate', () => {
  const buf = async (...rest: string[]) => {
    const options = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...rest];
    return (await promisify(execFile)('node_modules/.bin/buf', options)).stdout;
  };

  it('lets a client that knows nothing list and call it by reflection', async () => {
    const url = `http://127.0.0.1:${gate.port}`;
    const methods = await buf(url, '--list-methods');
    expect(methods).toContain('sanmon.orders.v1.OrdersService/PlaceOrder');
    expect(methods).not.toContain('PaymentsService');
    expect(await buf(url, '--list-methods', '--reflect-protocol', 'grpc-v1alpha')).toBe(methods);
    const answer = await buf('-d', JSON.stringify({ ...good, note: 'by reflection' }), `${url}${ORDERS}/PlaceOrder`);
    // int64 is a string in Protobuf's own JSON.
    expect(JSON.parse(answer)).toMatchObject({ state: 'PLACED', note: 'by reflection', total: '1200' });
  });

  it('turns NOT_SERVING for the whole process and each service while it is not ready, and tells who watches', async () => {
    const health = loadSync(protoPath, { enums: String })['grpc.health.v1.Health'] as unknown as Record<string, object>;
    const { requestSerialize, responseDeserialize } = health['Watch'] as {
      requestSerialize: (request: object) => Buffer;
      responseDeserialize: (bytes: Buffer) => { status: string };
    };
    const request = { service: 'sanmon.orders.v1.OrdersService' };
    const watch = client.makeServerStreamRequest(
      '/grpc.health.v1.Health/Watch',
      requestSerialize,
      responseDeserialize,
      request,
    );
    const heard: string[] = [];
    watch.on('error', () => undefined);
    watch.on('data', ({ status: said }: { status: string }) => heard.push(said));
    const check = async (service: string) => {
      const { code, body } = await send('/grpc.health.v1.Health/Check', requestSerialize({ service }));
      return body ? responseDeserialize(body).status : code;
    };
    expect([await check(''), await check('sanmon.notifications.v1.NotificationsService')]).toEqual([
      'SERVING',
      'SERVING',
    ]);
    expect(await check('sanmon.payments.v1.PaymentsService')).toBe(status.NOT_FOUND);
    ready = false;
    expect([await check(''), await check('sanmon.orders.v1.OrdersService')]).toEqual(['NOT_SERVING', 'NOT_SERVING']);
    ready = true;
    // Nobody but who watches.
    await eventually(() => expect(heard).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']));
    watch.cancel();
  });
});

describe('stopping', () => {
  it('lets calls in flight end, though somebody watches, and then frees the port', async () => {
    const other = new GrpcGate({ host: '127.0.0.1', port: 0, modules: ['orders'], closeWithinMs: 5_000 });
    const toy = await NestFactory.createMicroservice(ToyModule, { strategy: other, logger: false });
    await toy.listen();
    const caller = new Client(`127.0.0.1:${other.port}`, credentials.createInsecure());
    const watch = caller.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0));
    const heard: Buffer[] = [];
    watch.on('error', () => undefined).on('data', (said: Buffer) => heard.push(said));
    const request = protoCodec('sanmon.orders.v1.GetOrderRequest').encode({ id: 'slow' });
    const begun = new Promise<void>((resolve) => (slowBegins = resolve));
    const slow = send(`${ORDERS}/GetOrder`, request, new Metadata(), caller);
    await begun;
    await eventually(() => expect(heard).toHaveLength(1));
    const began = Date.now();
    await toy.close();
    // NOT_SERVING is 2; SERVING is 1.
    expect(heard.map((said) => said.at(-1))).toEqual([1, 2]);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect((await slow).code).toBe(status.OK);
    expect((await send(`${ORDERS}/GetOrder`, request, new Metadata(), caller)).code).toBe(status.UNAVAILABLE);
    caller.close();
  });

  it('says when the port is taken', async () => {
    jest.spyOn(console, 'error').mockImplementation(() => undefined); // grpc-js says it there too
    const second = new GrpcGate({ host: '127.0.0.1', port: gate.port, modules: ['orders'] });
    await expect(new Promise((_, reject) => void second.listen(reject))).rejects.toThrow(
      /EADDRINUSE|already in use|bound/i,
    );
  });
});
