import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import { aHouse, type TestHouse } from '../support/house.js';
import { checkInvariants } from '../support/invariants.js';
import {
  anOrder,
  type Gate,
  type Json,
  itemOf,
  mailsOf,
  orderIn,
  paymentOf,
  placeThrough,
  stocked,
  timelineOf,
} from '../support/shop.js';

const database = useDatabase();
const vhost = useVhost();

describe.each(['local', 'rabbitmq'] as const)('over the %s carrier', (carrier) => {
  let house: TestHouse;
  beforeAll(async () => {
    house = await aHouse({ DATABASE_URL: database.url, RABBITMQ_URL: carrier === 'rabbitmq' ? vhost.url : undefined });
  });
  afterAll(async () => {
    await checkInvariants(house);
    await house.close();
  });

  const gates: Gate[] = carrier === 'rabbitmq' ? ['rest', 'grpc', 'amqp'] : ['rest', 'grpc'];

  describe.each(gates)('an order placed over %s', (gate) => {
    it('is answered at once as PLACED, and walks to CONFIRMED: money captured, stock sold, one mail', async () => {
      const sku = await stocked(house, 5);
      const placed = await placeThrough(
        gate,
        house,
        anOrder(sku, { lines: [{ sku, quantity: 2 }], note: 'ring twice' }),
      );
      expect(placed).toMatchObject({ state: 'PLACED', total: 1200, version: 1, note: 'ring twice', locale: 'en' });
      const order = await orderIn(house, placed.id, 'CONFIRMED');
      expect(order).toMatchObject({ version: 4, lines: [{ sku, quantity: 2, unitPrice: 600, amount: 1200 }] });
      expect(await timelineOf(house, order.id)).toEqual([
        'order-placed',
        'order-authorised',
        'order-reserved',
        'order-confirmed',
      ]);
      expect(await paymentOf(house, order.id)).toMatchObject({ state: 'CAPTURED', amount: 1200, refunded: 0 });
      await eventually(async () =>
        expect(await itemOf(house, sku)).toMatchObject({ available: 3, reserved: 0, sold: 2 }),
      );
      await eventually(async () =>
        expect(await mailsOf(house, order.id)).toMatchObject([{ state: 'SENT', to: 'ada@example.com' }]),
      );
    });

    it('is REJECTED when its payment is declined, with the reason and one mail', async () => {
      const sku = await stocked(house, 5);
      const placed = await placeThrough(gate, house, anOrder(sku, { paymentMethod: 'pm_declined' }));
      expect(await orderIn(house, placed.id, 'REJECTED')).toMatchObject({ reason: 'payment-declined', version: 2 });
      expect(await itemOf(house, sku)).toMatchObject({ available: 5, reserved: 0, sold: 0 });
      await eventually(async () => expect(await mailsOf(house, placed.id)).toMatchObject([{ state: 'SENT' }]));
    });

    it('is REJECTED when it is out of stock, and its authorisation is voided', async () => {
      const sku = await stocked(house, 0);
      const placed = await placeThrough(gate, house, anOrder(sku));
      expect(await orderIn(house, placed.id, 'REJECTED')).toMatchObject({ reason: 'out-of-stock' });
      expect(await paymentOf(house, placed.id)).toMatchObject({ state: 'VOIDED', refunded: 0 });
      const timeline = await timelineOf(house, placed.id);
      expect(timeline.slice(0, 3)).toEqual(['order-placed', 'order-authorised', 'order-closing']);
      expect(timeline.slice(3, 5).sort()).toEqual(['payment-undone', 'stock-undone']);
      expect(timeline[5]).toBe('order-rejected');
    });

    it('is REJECTED when the capture is refused: the authorisation is voided, the stock is back', async () => {
      const sku = await stocked(house, 5);
      const placed = await placeThrough(gate, house, anOrder(sku, { paymentMethod: 'pm_capture_fails' }));
      expect(await orderIn(house, placed.id, 'REJECTED')).toMatchObject({ reason: 'capture-failed' });
      expect(await paymentOf(house, placed.id)).toMatchObject({ state: 'VOIDED' });
      expect(await itemOf(house, sku)).toMatchObject({ available: 5, reserved: 0, sold: 0 });
    });

    it('can be cancelled after it was confirmed: money refunded, goods back, a second mail', async () => {
      const sku = await stocked(house, 5);
      const { id } = await placeThrough(gate, house, anOrder(sku));
      await orderIn(house, id, 'CONFIRMED');
      await cancelThrough(gate, house, id);
      expect(await orderIn(house, id, 'CANCELLED')).toMatchObject({ reason: 'cancelled-by-operator' });
      expect(await paymentOf(house, id)).toMatchObject({ state: 'REFUNDED', refunded: 600 });
      await eventually(async () =>
        expect(await itemOf(house, sku)).toMatchObject({ available: 5, reserved: 0, sold: 0 }),
      );
      await eventually(async () => expect((await mailsOf(house, id)).map((m) => m.state)).toEqual(['SENT', 'SENT']));
      await cancelThrough(gate, house, id);
      expect(await orderIn(house, id, 'CANCELLED')).toMatchObject({ version: 8 });
    });

    it('can be cancelled while its payment is still asked for', async () => {
      const sku = await stocked(house, 5);
      const { id } = await placeThrough(gate, house, anOrder(sku, { paymentMethod: 'pm_slow' }));
      await cancelThrough(gate, house, id);
      await orderIn(house, id, 'CANCELLED');
      expect(await paymentOf(house, id)).toMatchObject({ state: 'VOIDED' });
    });

    it('survives a provider that answers with errors first', async () => {
      const sku = await stocked(house, 5);
      const { id } = await placeThrough(gate, house, anOrder(sku, { paymentMethod: 'pm_error_then_ok' }));
      await orderIn(house, id, 'CONFIRMED');
    });
  });

  it('takes one key over all gates as one order', async () => {
    const sku = await stocked(house, 10);
    const key = randomUUID();
    const answers = [];
    for (const gate of gates) answers.push(await placeThrough(gate, house, anOrder(sku), key));
    const concurrent = await Promise.all(
      gates.flatMap((gate) => [1, 2, 3].map(() => placeThrough(gate, house, anOrder(sku), key))),
    );
    expect(new Set([...answers, ...concurrent].map((a) => a.id)).size).toBe(1);
    const again = await house.rest.post('/v1/orders', anOrder(sku), { 'idempotency-key': `"${key}"` });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await house.rest.post('/v1/orders', anOrder(sku, { note: 'another' }), { 'idempotency-key': key });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
    await expect(
      house.grpc.call('orders.PlaceOrder', anOrder(sku, { note: 'x' }), { 'idempotency-key': key }),
    ).rejects.toMatchObject({ code: 3 });
  });

  it('sells 10 units to exactly 10 of 200 concurrent buyers', async () => {
    const sku = await stocked(house, 10);
    const buyers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        placeThrough(gates[i % gates.length]!, house, anOrder(sku, { customerId: `buyer-${i}` })),
      ),
    );
    const placed = new Set(buyers.map((b) => b.id as string));
    // One list for all of them: 200 callers that each ask for their own order would be the load of the test.
    const ended = await eventually(
      async () => {
        const { body } = await house.rest.get('/v1/orders?pageSize=200');
        const ours = (body.orders as Json[]).filter((o) => placed.has(o.id as string));
        expect(ours.filter((o) => ['CONFIRMED', 'REJECTED'].includes(o.state as string))).toHaveLength(200);
        return ours;
      },
      { within: 45_000, every: 200 },
    );
    expect(ended.filter((o) => o.state === 'CONFIRMED')).toHaveLength(10);
    expect(ended.filter((o) => o.reason === 'out-of-stock')).toHaveLength(190);
    await eventually(async () =>
      expect(await itemOf(house, sku)).toMatchObject({ available: 0, reserved: 0, sold: 10 }),
    );
  });
});

async function cancelThrough(gate: Gate, house: TestHouse, id: string): Promise<void> {
  if (gate === 'rest') expect((await house.rest.post(`/v1/orders/${id}/cancellation`)).status).toBe(202);
  else if (gate === 'grpc') await house.grpc.call('orders.CancelOrder', { id });
  else expect((await house.amqp!.ask('orders.cancel', { id })).body.result.id).toBe(id);
}
