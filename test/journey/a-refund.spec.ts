import { useDatabase, useVhost } from '../support/fixtures.js';
import { eventually } from '../support/eventually.js';
import { aHouse, type TestHouse } from '../support/house.js';
import { checkInvariants } from '../support/invariants.js';
import {
  anOrder,
  type Gate,
  type Json,
  orderIn,
  paymentOf,
  placeThrough,
  stocked,
  timelineOf,
} from '../support/shop.js';

const database = useDatabase();
const vhost = useVhost();

describe("an operator's refund", () => {
  let house: TestHouse;
  beforeAll(async () => {
    house = await aHouse({ DATABASE_URL: database.url, RABBITMQ_URL: vhost.url });
  });
  afterAll(async () => {
    await checkInvariants(house);
    await house.close();
  });

  async function confirmed(): Promise<{ orderId: string; id: string }> {
    const sku = await stocked(house, 5);
    const placed = await placeThrough('rest', house, anOrder(sku, { lines: [{ sku, quantity: 2 }] }));
    await orderIn(house, placed.id, 'CONFIRMED');
    const payment = await paymentOf(house, placed.id);
    return { orderId: placed.id, id: payment.id as string };
  }

  async function refund(gate: Gate, input: { id: string; amount?: number }): Promise<Json> {
    if (gate === 'rest') {
      const { id, ...body } = input;
      const { status, body: answer } = await house.rest.post(`/v1/payments/${id}/refunds`, body);
      return { status, ...answer };
    }
    if (gate === 'grpc') return (await house.grpc.call('payments.RefundPayment', input)).body;
    const { body } = await house.amqp!.ask('payments.refund', input);
    return body.result ?? body.failure;
  }

  const settled = (orderId: string, refunded: number): Promise<Json> =>
    eventually(async () => {
      const payment = await paymentOf(house, orderId);
      expect(payment).toMatchObject({ refunded });
      return payment;
    });

  it.each<Gate>(['rest', 'grpc', 'amqp'])(
    'over %s gives back a part, then the rest; the order stays CONFIRMED and tells of both',
    async (gate) => {
      const { orderId, id } = await confirmed();
      const asked = await refund(gate, { id, amount: 500 });
      expect(asked).toMatchObject({ id, orderId, state: 'CAPTURED', amount: 1200, refunded: 0 });
      if (gate === 'rest') expect(asked.status).toBe(202);
      expect(await settled(orderId, 500)).toMatchObject({ state: 'CAPTURED' });
      await refund(gate, { id });
      expect(await settled(orderId, 1200)).toMatchObject({ state: 'REFUNDED' });
      await eventually(async () =>
        expect((await timelineOf(house, orderId)).slice(3)).toEqual([
          'order-confirmed',
          'payment-refunded',
          'payment-refunded',
        ]),
      );
      await orderIn(house, orderId, 'CONFIRMED');
    },
  );

  it('beyond what is left, of an ended payment, or of none is refused', async () => {
    const { orderId, id } = await confirmed();
    expect(await refund('rest', { id, amount: 1201 })).toMatchObject({ status: 409, code: 'refund-too-large' });
    await refund('rest', { id, amount: 1200 });
    await settled(orderId, 1200);
    expect(await refund('rest', { id })).toMatchObject({ status: 409, code: 'payment-not-refundable' });
    const nobody = 'pay_00000000-0000-7000-8000-000000000000';
    expect(await refund('rest', { id: nobody })).toMatchObject({ status: 404, code: 'payment-not-found' });
    expect(await refund('rest', { id, amount: 0 })).toMatchObject({ status: 400, code: 'invalid' });
  });

  it('asked for by many at once under one key is one; under different keys one begins and the others are told to wait', async () => {
    const { orderId, id } = await confirmed();
    const ask = (key: string) =>
      house.rest.post(`/v1/payments/${id}/refunds`, { amount: 100 }, { 'idempotency-key': key });
    const same = await Promise.all(Array.from({ length: 10 }, () => ask(`${id}-same`)));
    expect(same.map(({ status }) => status)).toEqual(Array(10).fill(202));
    await settled(orderId, 100);
    const others = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(`${id}-${i}`)));
    const begun = others.filter(({ status }) => status === 202).length;
    const told = others.filter(({ status, body }) => status === 409 && body.code === 'refund-in-progress').length;
    expect(begun).toBeGreaterThan(0);
    expect(begun + told).toBe(10);
    await settled(orderId, 100 + begun * 100);
  });

  it('before a cancellation is counted: together they give back what was captured, and no more', async () => {
    const { orderId, id } = await confirmed();
    await refund('rest', { id, amount: 700 });
    expect((await house.rest.post(`/v1/orders/${orderId}/cancellation`)).status).toBe(202);
    await orderIn(house, orderId, 'CANCELLED');
    expect(await settled(orderId, 1200)).toMatchObject({ state: 'REFUNDED' });
  });
});
