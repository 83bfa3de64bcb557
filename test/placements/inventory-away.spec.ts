import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { protoCodec } from '../../src/gates/grpc/codec.js';
import { QUOTE_ITEMS } from '../../src/inventory/index.js';
import { eventually } from '../support/eventually.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import { KEY, type TestHouse } from '../support/house.js';
import { checkInvariants } from '../support/invariants.js';
import { rowsOf } from '../support/postgres.js';
import { type Placed, SpreadHouse } from '../support/spread-house.js';
import { stopwatch } from '../support/stopwatch.js';
import { anOrder, itemOf, orderIn, placeThrough, stocked } from '../support/shop.js';

const database = useDatabase();
const vhost = useVhost();

describe('orders in one process, inventory in another', () => {
  let spread: SpreadHouse;
  let house: TestHouse;
  let orders: Placed;
  let inventory: Placed;
  let sku: string;
  beforeAll(async () => {
    spread = await SpreadHouse.open('orders,notifications|payments,inventory', {
      DATABASE_URL: database.url,
      RABBITMQ_URL: vhost.url,
    });
    house = spread as unknown as TestHouse;
    orders = spread.of('orders');
    inventory = spread.of('inventory');
    sku = await stocked(house, 100);
  });
  afterAll(async () => {
    try {
      await checkInvariants(spread);
    } finally {
      // Processes that are left would keep Jest waiting for ever.
      await spread.close();
    }
  });

  const ordersStored = async (): Promise<number> =>
    Number((await rowsOf<{ count: string }>(database.url, 'SELECT count(*) FROM orders.orders'))[0]!.count);

  it('say in the boot report where prices are asked', () => {
    expect(orders.process.output).toContain(`prices     asked at ipv4:127.0.0.1:${inventory.grpcPort}`);
    expect(orders.process.output).toContain('modules orders, notifications (elsewhere: payments, inventory)');
  });

  it('are each refused by the other, with the name of the module', async () => {
    const item = await orders.process.rest.get(`/v1/items/${sku}`);
    expect([item.status, item.body.code]).toEqual([421, 'elsewhere']);
    expect(item.body.detail).toContain('module inventory lives in another process');
    const socket = new WebSocket(`${inventory.process.rest.origin.replace('http', 'ws')}/v1/live`);
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(answer.statusCode).toBe(421);
    answer.destroy();
    const order = await inventory.process.rest.post('/v1/orders', anOrder(sku));
    expect([order.status, order.body.code]).toEqual([421, 'elsewhere']);
    expect(order.body.detail).toContain('module orders lives in another process');
  });

  it('quote to nobody without our signature, whatever API key he has', async () => {
    const client = new Client(`127.0.0.1:${inventory.grpcPort}`, credentials.createInsecure());
    const request = protoCodec('sanmon.inventory.internal.v1.QuoteItemsRequest').encode({ skus: [sku] });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${KEY}`);
    const error = await new Promise<ServiceError | null>((resolve) => {
      const bytes = (all: Buffer) => all;
      client.makeUnaryRequest(QUOTE_ITEMS, bytes, bytes, request, metadata, (refusal) => resolve(refusal));
    });
    client.close();
    expect(error?.code).toBe(status.UNAUTHENTICATED);
  });

  it('place through all three gates', async () => {
    for (const gate of ['rest', 'grpc', 'amqp'] as const) {
      const { id } = await placeThrough(gate, house, anOrder(sku));
      await orderIn(house, id, 'CONFIRMED');
    }
  });

  it('half-place nothing while inventory is killed: 503 and UNAVAILABLE at once, RabbitMQ waits; then all goes on', async () => {
    await inventory.process.kill();
    const asked = { ...anOrder(sku, { note: 'while inventory is away' }) };
    const key = 'asked again later';
    const waited = stopwatch();
    const refused = await eventually(async () => {
      const answer = await house.rest.post('/v1/orders', { ...asked, lines: [{ sku: 'new', quantity: 1 }] });
      expect(answer.status).toBe(503);
      return answer;
    });
    expect(waited()).toBeLessThan(8_000);
    expect([refused.body.code, refused.headers.get('retry-after')]).toEqual(['prices-unavailable', '2']);
    // The price may still be remembered for a second: what is placed till then is placed rightly, and not under our key.
    await eventually(async () => expect((await house.rest.post('/v1/orders', asked)).status).toBe(503));
    const before = await ordersStored();
    expect((await house.rest.post('/v1/orders', asked, { 'idempotency-key': key })).status).toBe(503);
    await expect(house.grpc.call('orders.PlaceOrder', asked)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    // It is answered when inventory has started again, and it has been tried again.
    const letter = spread.amqp.ask('orders.place', asked, {}, 60_000);
    letter.catch(() => undefined);
    await eventually(async () => {
      const { body } = await house.rest.get('/v1/ops/messages?module=orders&state=RETRYING');
      expect(body.messages).toMatchObject([{ type: 'orders.place', code: 'prices-unavailable' }]);
    });
    const ready = await orders.process.rest.get('/readyz');
    expect([ready.status, ready.body.status, ready.body.checks.inventory]).toEqual([200, 'degraded', 'degraded']);
    expect(await ordersStored()).toBe(before);

    await inventory.process.startAgain();
    expect((await letter).body.result.state).toBe('PLACED');
    const placed = await eventually(async () => {
      const answer = await house.rest.post('/v1/orders', asked, { 'idempotency-key': key });
      expect(answer.status).toBe(202);
      return answer;
    });
    await orderIn(house, placed.body.id as string, 'CONFIRMED');
    expect(await ordersStored()).toBe(before + 2);
    await eventually(async () => expect((await orders.process.rest.get('/readyz')).body.checks.inventory).toBe('ok'));
  });

  it('wait two seconds at most for inventory that is there and does not answer, and then not at all', async () => {
    process.kill(inventory.process.pid!, 'SIGSTOP');
    try {
      const times: number[] = [];
      for (let i = 0; i < 6; i++) {
        const waited = stopwatch();
        const answer = await house.rest.post('/v1/orders', anOrder(`unknown-${i}`));
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
        times.push(waited());
      }
      for (const time of times) expect(time).toBeLessThan(8_000);
      expect(Math.min(...times)).toBeLessThan(500);
    } finally {
      process.kill(inventory.process.pid!, 'SIGCONT');
    }
    const { id } = await eventually(() => placeThrough('rest', house, anOrder(sku)));
    await orderIn(house, id as string, 'CONFIRMED');
    await eventually(async () =>
      expect(await itemOf(house, sku)).toMatchObject({ reserved: 0, sold: await ordersStored() }),
    );
  });
});
