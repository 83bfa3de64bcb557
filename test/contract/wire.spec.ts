import type { ConsumeMessage } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { schema } from '../../src/gates/grpc/schema.js';
import { bearer } from '../support/caller.js';
import { eventually } from '../support/eventually.js';
import { anOrder, itemOf, type Json, mailsOf, orderIn, paymentOf, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';
import { World } from '../support/world.js';

const at = useHouse();
let world: World;

const bodyOf = ({ content }: ConsumeMessage): Json => JSON.parse(content.toString());

/** Orders in every shape: with and without note, reason, a provider's reference, and a next page. */
const orders: Record<string, Json> = {};

beforeAll(async () => {
  const { house } = at;
  world = await World.listen(at.brokerUrl);
  const sku = await stocked(house, 10);
  const plain = await placeThrough('rest', house, anOrder(sku));
  const noted = await placeThrough('grpc', house, anOrder(sku, { note: '二つ\nring twice', locale: 'ja' }));
  const declined = await placeThrough('amqp', house, anOrder(sku, { paymentMethod: 'pm_declined' }));
  const both = await placeThrough('rest', house, anOrder(sku, { paymentMethod: 'pm_declined', note: 'n' }));
  orders.plain = await orderIn(house, plain.id, 'CONFIRMED');
  orders.noted = await orderIn(house, noted.id, 'CONFIRMED');
  orders.declined = await orderIn(house, declined.id, 'REJECTED');
  orders.both = await orderIn(house, both.id, 'REJECTED');
  for (const { id } of Object.values(orders))
    await eventually(async () => expect(await mailsOf(house, id)).toMatchObject([{ state: 'SENT' }]));
  await eventually(async () => expect(await itemOf(house, sku)).toMatchObject({ sold: 2, reserved: 0 }));
  await stocked(house, 0);
});

afterAll(() => world?.close());

/** Asks over REST and over gRPC and expects the same; answers it. */
async function same(operation: string, input: object): Promise<Json> {
  const rest = await at.caller.call('rest', operation, input);
  const grpc = await at.caller.call('grpc', operation, input);
  expect([rest.code, grpc.code]).toEqual(['ok', 'ok']);
  expect(grpc.result).toStrictEqual(rest.result);
  return rest.result;
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('a gRPC client and a REST client see the same, field by field, in', () => {
  it.each(['plain', 'noted', 'declined', 'both'])('an Order (%s)', async (shape) => {
    const order = await same('orders.get', { id: orders[shape].id });
    const optional = Object.keys(order).filter((name) => name === 'note' || name === 'reason');
    expect(optional.sort()).toEqual(
      { plain: [], noted: ['note'], declined: ['reason'], both: ['note', 'reason'] }[shape],
    );
    expect([order.createdAt, order.updatedAt]).toEqual([expect.stringMatching(ISO), expect.stringMatching(ISO)]);
    expect(order.version).toBe((await same('orders.timeline', { id: order.id })).entries.length);
  });

  it('a page of Orders, with a next page and without', async () => {
    const first = await same('orders.list', { pageSize: 3 });
    expect(first.orders).toHaveLength(3);
    const last = await same('orders.list', { pageSize: 3, pageToken: first.nextPageToken });
    expect(last).toStrictEqual({ orders: [orders.plain] });
    const rejected = await same('orders.list', { state: 'REJECTED', customerId: 'ada' });
    expect(rejected.orders).toEqual([orders.both, orders.declined]);
    expect(await same('orders.list', { customerId: 'nobody' })).toStrictEqual({ orders: [] });
  });

  it('a Timeline, with what each entry tells', async () => {
    const { entries } = await same('orders.timeline', { id: orders.declined.id });
    expect(entries).toEqual([
      { sequence: 1, type: 'order-placed', at: expect.stringMatching(ISO), detail: { total: 600 } },
      { sequence: 2, type: 'order-rejected', at: expect.stringMatching(ISO), detail: { reason: 'payment-declined' } },
    ]);
  });

  it('an Item and pages of them', async () => {
    const { sku } = orders.plain.lines[0];
    const item = await same('inventory.get-item', { sku });
    expect(item).toMatchObject({ sku, available: 8, reserved: 0, sold: 2, updatedAt: expect.stringMatching(ISO) });
    const first = await same('inventory.list-items', { pageSize: 1 });
    const last = await same('inventory.list-items', { pageSize: 1, pageToken: first.nextPageToken });
    expect(first.nextPageToken).toEqual(expect.any(String));
    expect(Object.keys(last)).toEqual(['items']);
    expect([...first.items, ...last.items]).toContainEqual(item);
  });

  it('a Payment with a reference, one with a reason, and pages of them', async () => {
    const captured = (await same('payments.list', { orderId: orders.plain.id })).payments[0];
    expect(await same('payments.get', { id: captured.id })).toStrictEqual(captured);
    expect(captured).toMatchObject({ state: 'CAPTURED', providerReference: expect.any(String) });
    expect(captured).not.toHaveProperty('reason');
    const declined = (await same('payments.list', { orderId: orders.declined.id })).payments[0];
    expect(declined).toMatchObject({ state: 'DECLINED', reason: 'payment-declined' });
    expect(declined).not.toHaveProperty('providerReference');
    const page = await same('payments.list', { pageSize: 2 });
    expect([page.payments.length, typeof page.nextPageToken]).toEqual([2, 'string']);
  });

  it('pages of Notifications', async () => {
    const { notifications } = await same('notifications.list', { orderId: orders.noted.id });
    expect(notifications).toMatchObject([{ channel: 'EMAIL', state: 'SENT', html: expect.any(String), attempts: 1 }]);
    const page = await same('notifications.list', { pageSize: 3 });
    expect([page.notifications.length, typeof page.nextPageToken]).toEqual([3, 'string']);
  });
});

describe('an answer over RabbitMQ is the JSON of REST', () => {
  /** One key over both gates: the second answer is the first one given again. */
  async function answeredAlike(operation: string, input: object): Promise<Json> {
    const key = randomUUID();
    const amqp = await at.caller.call('amqp', operation, input, { key });
    const rest = await at.caller.call('rest', operation, input, { key });
    expect(amqp.code).toBe('ok');
    expect([rest.replayed, rest.raw]).toEqual([true, JSON.stringify(amqp.result)]);
    return amqp.result;
  }

  it('for an order placed and cancelled, an item put and stock received', async () => {
    const sku = `sku-${randomUUID().slice(0, 8)}`;
    const put = await answeredAlike('inventory.put-item', { sku, name: 'Thing', currency: 'JPY', unitPrice: 600 });
    expect(put).toMatchObject({ sku, version: 1, available: 0 });
    expect(await answeredAlike('inventory.receive-stock', { sku, quantity: 3 })).toMatchObject({ available: 3 });
    const placed = await answeredAlike('orders.place', anOrder(sku, { note: 'n' }));
    expect(placed).toMatchObject({ state: 'PLACED', version: 1 });
    expect((await answeredAlike('orders.cancel', { id: placed.id })).id).toBe(placed.id);
    await orderIn(at.house, placed.id, 'CANCELLED');
  });

  it('and a refusal is told with its kind, code, message and details', async () => {
    const { body } = await at.house.amqp!.ask('orders.place', anOrder('no-such-sku'));
    const rest = await at.caller.call('rest', 'orders.place', anOrder('no-such-sku'));
    expect(body).toEqual({
      failure: {
        kind: 'invalid',
        code: 'unknown-sku',
        message: rest.result.detail,
        details: { fields: rest.result.errors },
      },
    });
  });
});

describe('a command over RabbitMQ may be', () => {
  it('a structured CloudEvent, whose type is the routing key', async () => {
    const { sku } = orders.plain.lines[0];
    const event = { specversion: '1.0', id: '1', source: '/shop', type: 'orders.place', data: anOrder(sku) };
    const properties = { headers: bearer, contentType: 'application/cloudevents+json; charset=utf-8' };
    const said = await at.caller.letter('orders.place', event, properties);
    expect(said).toMatchObject({ code: 'ok', result: { state: 'PLACED', customerId: 'ada' } });
    const foreign = await at.caller.letter('orders.place', { ...event, type: 'orders.cancel' }, properties);
    expect([foreign.code, foreign.status]).toEqual(['undecodable', 'invalid']);
  });

  it.each([
    ['orders.place', 'sanmon.orders.v1.PlaceOrderRequest', () => anOrder(orders.plain.lines[0].sku, { note: '二' })],
    [
      'inventory.receive-stock',
      'sanmon.inventory.v1.ReceiveStockRequest',
      () => ({ sku: orders.plain.lines[0].sku, quantity: 2 }),
    ],
    ['orders.cancel', 'sanmon.orders.v1.CancelOrderRequest', () => ({ id: orders.noted.id })],
  ])('Protobuf: %s as %s, and is the same command as in JSON', async (operation, fullName, input) => {
    const type = schema().lookupType(fullName);
    const bytes = Buffer.from(type.encode(type.fromObject(input())).finish());
    const key = randomUUID();
    const headers = { ...bearer, 'idempotency-key': key };
    const properties = { headers, contentType: 'application/protobuf', type: fullName };
    const protobuf = await at.caller.letter(operation, bytes, properties);
    const json = await at.caller.call('amqp', operation, input(), { key });
    expect([protobuf.code, json.replayed, json.result]).toEqual(['ok', true, protobuf.result]);
  });

  it('without any property but its routing key', async () => {
    const customerId = `c-${randomUUID()}`;
    at.house.amqp!.channel.publish(
      'sanmon.commands',
      'orders.place',
      Buffer.from(JSON.stringify(anOrder(orders.plain.lines[0].sku, { customerId }))),
    );
    const [order] = await eventually(async () => {
      const found = (await at.house.rest.get(`/v1/orders?customerId=${customerId}`)).body.orders;
      expect(found).toHaveLength(1);
      return found;
    });
    await orderIn(at.house, order.id, 'CONFIRMED');
  });
});

describe('the world hears on sanmon.events', () => {
  const UUID_V7 = /^msg_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  it('each step of an order, its payment and its stock once, and in order within a module', async () => {
    const { id } = orders.plain;
    const heard = await eventually(() => {
      expect(world.of(id)).toHaveLength(8);
      return world.of(id);
    });
    const types = heard.map(({ fields }) => fields.routingKey);
    expect(types.filter((type) => type.startsWith('orders.'))).toEqual(
      ['placed', 'authorised', 'reserved', 'confirmed'].map((step) => `orders.order-${step}.v1`),
    );
    expect(types.filter((type) => type.startsWith('payments.'))).toEqual([
      'payments.payment-authorised.v1',
      'payments.payment-captured.v1',
    ]);
    expect(types.filter((type) => type.startsWith('inventory.'))).toEqual([
      'inventory.stock-reserved.v1',
      'inventory.stock-sold.v1',
    ]);
    expect(new Set(world.heard.map(({ properties }) => properties.messageId as string)).size).toBe(world.heard.length);
  });

  it('with the properties of the contract', async () => {
    for (const { fields, properties } of world.of(orders.plain.id)) {
      const module = fields.routingKey.split('.')[0];
      expect({ ...properties, headers: undefined }).toMatchObject({
        contentType: 'application/json',
        type: fields.routingKey,
        appId: 'sanmon',
        correlationId: orders.plain.id,
        deliveryMode: 2,
        messageId: expect.stringMatching(UUID_V7),
      });
      expect(Math.abs(Date.now() / 1000 - (properties.timestamp as number))).toBeLessThan(120);
      expect(properties.headers).toMatchObject({
        cloudEvents_specversion: '1.0',
        cloudEvents_id: properties.messageId,
        cloudEvents_source: `/sanmon/${module}`,
        cloudEvents_type: fields.routingKey,
        cloudEvents_time: expect.stringMatching(ISO),
        cloudEvents_subject: orders.plain.id,
        // Nobody gave one: the order itself is the trace.
        traceparent: expect.stringMatching(
          new RegExp(`^00-${(orders.plain.id as string).slice(4).replaceAll('-', '')}-[0-9a-f]{16}-00$`),
        ),
      });
    }
  });

  it('and the bodies are what REST shows: Order, Payment, the stock of an order, Item', async () => {
    const { id, lines } = orders.plain;
    const last = (type: string): Json => bodyOf(world.of(id).findLast(({ fields }) => fields.routingKey === type)!);
    expect(last('orders.order-confirmed.v1')).toStrictEqual(orders.plain);
    expect(last('orders.order-placed.v1')).toMatchObject({ id, state: 'PLACED', version: 1 });
    expect(last('payments.payment-captured.v1')).toStrictEqual(await paymentOf(at.house, id));
    const stock = { orderId: id, lines: lines.map(({ sku, quantity }: Json) => ({ sku, quantity })) };
    expect(last('inventory.stock-reserved.v1')).toStrictEqual(stock);
    expect(last('inventory.stock-sold.v1')).toStrictEqual(stock);
  });

  it('of an order that was refused: why', async () => {
    const { id } = orders.both;
    await eventually(() =>
      expect(world.of(id).map(({ fields }) => fields.routingKey)).toEqual(
        expect.arrayContaining(['orders.order-rejected.v1', 'payments.payment-declined.v1']),
      ),
    );
    const rejected = world.of(id).find(({ fields }) => fields.routingKey === 'orders.order-rejected.v1')!;
    expect(bodyOf(rejected)).toStrictEqual(orders.both);
    expect(world.of(id)).toHaveLength(3);
  });

  it('of items: put and received, with the item as its answer showed it', async () => {
    const sku = `sku-${randomUUID().slice(0, 8)}`;
    const put = await at.house.rest.put(`/v1/items/${sku}`, { name: 'Thing', currency: 'EUR', unitPrice: 0 });
    const received = await at.house.rest.post(`/v1/items/${sku}/receipts`, { quantity: 1_000_000_000 });
    const heard = await eventually(() => {
      expect(world.of(sku)).toHaveLength(2);
      return world.of(sku);
    });
    expect(heard.map((message) => [message.fields.routingKey, bodyOf(message)])).toEqual([
      ['inventory.item-put.v1', put.body],
      ['inventory.stock-received.v1', received.body],
    ]);
  });

  it('nothing that is between the modules', () => {
    const types = new Set(world.heard.map(({ fields }) => fields.routingKey));
    expect([...types].filter((type) => /undone|settled|capture-refused|closing|stalled/.test(type))).toEqual([]);
  });
});
