import { randomUUID } from 'node:crypto';
import { eventually } from './eventually.js';
import type { TestHouse } from './house.js';

export type Gate = 'rest' | 'grpc' | 'amqp';

// Whatever came: the assertions say what it should be.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;

/** The input of an order as any client would write it. */
export const anOrder = (sku: string, more: object = {}): Json => ({
  customerId: 'ada',
  email: 'ada@example.com',
  currency: 'JPY',
  lines: [{ sku, quantity: 1 }],
  paymentMethod: 'pm_ok',
  ...more,
});

/** Puts an item on the shelf and receives stock of it. */
export async function stocked(
  { rest }: TestHouse,
  quantity: number,
  sku = `sku-${randomUUID().slice(0, 8)}`,
): Promise<string> {
  const put = await rest.put(`/v1/items/${sku}`, { name: `Thing ${sku}`, currency: 'JPY', unitPrice: 600 });
  if (put.status >= 300) throw new Error(put.text);
  if (quantity > 0) {
    const received = await rest.post(`/v1/items/${sku}/receipts`, { quantity });
    if (received.status !== 201) throw new Error(received.text);
  }
  return sku;
}

/** Places an order through a gate and answers what the gate answered. */
export async function placeThrough(gate: Gate, house: TestHouse, order: object, key?: string): Promise<Json> {
  if (gate === 'rest') {
    const answer = await house.rest.post('/v1/orders', order, key ? { 'idempotency-key': key } : {});
    if (answer.status !== 202) throw Object.assign(new Error(answer.text), { answer });
    return answer.body;
  }
  if (gate === 'grpc')
    return (await house.grpc.call('orders.PlaceOrder', order, key ? { 'idempotency-key': key } : {})).body;
  const { body } = await house.amqp!.ask('orders.place', order, key ? { headers: { 'idempotency-key': key } } : {});
  if (body.failure) throw Object.assign(new Error(body.failure.message), { failure: body.failure });
  return body.result;
}

/** Waits until an order is in one of these states. */
export const orderIn = (house: TestHouse, id: string, ...states: string[]): Promise<Json> =>
  eventually(
    async () => {
      const { body } = await house.rest.get(`/v1/orders/${id}`);
      expect(states).toContain(body.state);
      return body;
    },
    { within: 60_000 },
  );

export const timelineOf = async ({ rest }: TestHouse, id: string): Promise<string[]> =>
  (await rest.get(`/v1/orders/${id}/timeline`)).body.entries.map((e: Json) => e.type);

export const paymentOf = async ({ rest }: TestHouse, orderId: string): Promise<Json> =>
  (await rest.get(`/v1/payments?orderId=${orderId}`)).body.payments[0];

export const mailsOf = async ({ rest }: TestHouse, orderId: string): Promise<Json[]> =>
  (await rest.get(`/v1/notifications?orderId=${orderId}`)).body.notifications;

export const itemOf = async ({ rest }: TestHouse, sku: string): Promise<Json> =>
  (await rest.get(`/v1/items/${sku}`)).body;
