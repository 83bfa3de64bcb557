import type { Options } from 'amqplib';
import { Endings } from '../../src/orders/live/endings.js';
import { SandboxClient } from '../../src/payments/providers/sandbox.client.js';
import { AmqpClient, type AmqpReply } from '../support/amqp-client.js';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { aHouse, KEY } from '../support/house.js';
import { anOrder, orderIn, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const at = useHouse();
let sku: string;
beforeAll(async () => {
  sku = await stocked(at.house, 1_000);
});

const post = (more: object, headers: Record<string, string>) =>
  at.house.rest.post('/v1/orders', anOrder(sku, more), headers);
const seconds = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const began = performance.now();
  return [await work(), (performance.now() - began) / 1_000];
};

describe('Prefer: wait over REST', () => {
  it.each([
    ['pm_ok', 'CONFIRMED'],
    ['pm_declined', 'REJECTED'],
  ])('answers a placed order of %s when it is %s, still with 202', async (paymentMethod, state) => {
    const [answer, took] = await seconds(() => post({ paymentMethod }, { prefer: 'respond-async, wait=20' }));
    expect(answer.status).toBe(202);
    expect(answer.body.state).toBe(state);
    expect(answer.headers.get('preference-applied')).toBe('wait=20');
    expect(answer.headers.get('location')).toBe(`/v1/orders/${answer.body.id}`);
    expect(took).toBeLessThan(15);
  });

  it('answers with the order as it is when the time is over, and the work goes on', async () => {
    // After a stall an order may have ended by the time its second is over.
    const answer = await eventually(async () => {
      const [placed, took] = await seconds(() => post({ paymentMethod: 'pm_slow' }, { prefer: 'wait=1' }));
      expect(took).toBeGreaterThan(0.95);
      expect([placed.status, placed.body.state]).toEqual([202, 'PLACED']);
      return placed;
    });
    const got = await at.house.rest.get(`/v1/orders/${answer.body.id}`, { prefer: 'wait=20' });
    expect([got.status, got.body.state]).toEqual([200, 'CONFIRMED']);
    expect(got.headers.get('etag')).toBe(`"${got.body.version}"`);
  });

  it('is capped at 30, is 0 for who does not want to wait, and never an error', async () => {
    const ended = (await post({}, { prefer: 'wait=20' })).body.id as string;
    for (const [prefer, applied] of [
      ['wait=600', 'wait=30'],
      ['wait="5"', 'wait=5'],
      ['wait=0', 'wait=0'],
      ['wait=soon', null],
      ['wait=-1', null],
      ['return=minimal', null],
    ] as const) {
      const got = await at.house.rest.get(`/v1/orders/${ended}`, { prefer });
      expect([prefer, got.status, got.headers.get('preference-applied')]).toEqual([prefer, 200, applied]);
    }
    expect((await post({}, { prefer: 'wait=0' })).body.state).toBe('PLACED');
  });

  it('leaves a refusal as it is', async () => {
    const [answer, took] = await seconds(() => at.house.rest.get('/v1/orders/ord_nobody', { prefer: 'wait=20' }));
    expect(answer.status).toBe(404);
    expect(took).toBeLessThan(15);
    expect(answer.headers.get('preference-applied')).toBeNull();
  });

  it('answers a replay with the same order, as it is by then', async () => {
    const key = { 'idempotency-key': 'wait-for-me' };
    const first = await post({}, key);
    const again = await post({}, { ...key, prefer: 'wait=20' });
    expect([again.body.id, again.body.state]).toEqual([first.body.id, 'CONFIRMED']);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });
});

it('is the same over gRPC, as metadata', async () => {
  const placed = await at.house.grpc.call('orders.PlaceOrder', anOrder(sku), { prefer: 'wait=20' });
  expect(placed.body.state).toBe('CONFIRMED');
  expect(placed.metadata.get('preference-applied')).toEqual(['wait=20']);
  const slow = await at.house.grpc.call('orders.PlaceOrder', anOrder(sku, { paymentMethod: 'pm_slow' }));
  const got = await at.house.grpc.call('orders.GetOrder', { id: slow.body.id }, { prefer: 'wait=20' });
  expect(got.body.state).toBe('CONFIRMED');
});

describe('Prefer: wait over RabbitMQ, as a header', () => {
  const place = (more: object, properties: Options.Publish = {}) =>
    at.house.amqp!.ask('orders.place', anOrder(sku, more), { headers: { prefer: 'wait=20' }, ...properties });

  it('answers a placed order and one that is asked for when it has ended', async () => {
    const placed = await place({});
    expect(placed.body.result.state).toBe('CONFIRMED');
    expect(placed.headers['preference-applied']).toBe('wait=20');
    const slow = await place({ paymentMethod: 'pm_slow' }, { headers: {} });
    expect(slow.body.result.state).toBe('PLACED');
    expect(slow.headers).not.toHaveProperty('preference-applied');
    const { id } = slow.body.result;
    const got = await at.house.amqp!.ask('orders.get', { id }, { headers: { prefer: 'wait=20' } });
    expect([got.body.result.state, got.headers['preference-applied']]).toEqual(['CONFIRMED', 'wait=20']);
  });

  it('answers with the order as it is when the time is over, once, and the work goes on', async () => {
    // After a stall the answer that was stored with the order may be first, or the order may have ended.
    const reply = await eventually(async () => {
      const [early, took] = await seconds(() => place({ paymentMethod: 'pm_slow' }, { headers: { prefer: 'wait=1' } }));
      expect(took).toBeGreaterThan(0.95);
      expect([early.body.result.state, early.headers['preference-applied']]).toEqual(['PLACED', 'wait=1']);
      return early;
    });
    await orderIn(at.house, reply.body.result.id as string, 'CONFIRMED');
    expect(await held()).toEqual([]);
  });

  it('holds up neither the next command nor the next query, and leaves a refusal as it is', async () => {
    // No order ends before the quick ones are answered, however long that takes.
    const { release, restore } = holdTheProvider();
    try {
      const headers = { prefer: 'wait=30' };
      let answered = 0;
      const waits = (asked: Promise<AmqpReply>) => asked.finally(() => answered++);
      const patient = waits(place({}, { headers }));
      const { id } = (await at.house.amqp!.ask('orders.place', anOrder(sku))).body.result;
      const curious = waits(at.house.amqp!.ask('orders.get', { id }, { headers }));
      expect((await place({}, { headers: {} })).body.result.state).toBe('PLACED');
      expect((await at.house.amqp!.ask('orders.get', { id })).body.result.id).toBe(id);
      expect((await place({ lines: [] })).body.failure.code).toBe('invalid');
      expect(answered).toBe(0);
      release();
      for (const { body } of await Promise.all([patient, curious])) expect(body.result.state).toBe('CONFIRMED');
    } finally {
      restore();
    }
  });

  it('answers a replay with the same order, as it is by then', async () => {
    const messageId = 'a-patient-letter';
    const first = await place({}, { messageId, headers: {} });
    const again = await place({}, { messageId });
    expect([again.body.result.id, again.body.result.state]).toEqual([first.body.result.id, 'CONFIRMED']);
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true', 'preference-applied': 'wait=20' });
  });

  it('gives the early answer, that was stored with the order, when whoever waited is gone', async () => {
    const waits = jest.spyOn(at.house.house.app.get(Endings, { strict: false }), 'awaited');
    waits.mockReturnValue(new Promise(() => undefined));
    try {
      const [reply, took] = await seconds(() => place({}, { headers: { prefer: 'wait=1' } }));
      expect(reply.body.result.state).toBe('PLACED');
      expect(reply.headers).not.toHaveProperty('preference-applied');
      expect(took).toBeGreaterThan(0.95);
      expect(await held()).toEqual([]);
    } finally {
      waits.mockRestore();
    }
  });

  it('answers at once when the process closes', async () => {
    const [databaseUrl, brokerUrl] = [await cloneDatabase(), await takeVhost()];
    const other = await aHouse({ DATABASE_URL: databaseUrl, RABBITMQ_URL: brokerUrl });
    const client = await AmqpClient.connect(brokerUrl, KEY);
    try {
      const its = await stocked(other, 10);
      const waiting = seconds(() =>
        client.ask('orders.place', anOrder(its, { paymentMethod: 'pm_slow' }), { headers: { prefer: 'wait=20' } }),
      );
      await eventually(async () => expect((await other.rest.get('/v1/orders')).body.orders).toHaveLength(1));
      await other.close();
      const [reply, took] = await waiting;
      expect(reply.body.result.state).toBe('PLACED');
      expect(took).toBeLessThan(15);
    } finally {
      await client.close();
      await dropClone(databaseUrl);
    }
  });
});

/** The payment provider is asked nothing until it is released. */
function holdTheProvider(): { release: () => void; restore: () => void } {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  type Call = Parameters<SandboxClient['authorise']>;
  const authorise = Reflect.get<SandboxClient, 'authorise'>(SandboxClient.prototype, 'authorise');
  const held = jest.spyOn(SandboxClient.prototype, 'authorise').mockImplementation(async function (
    this: SandboxClient,
    ...call: Call
  ) {
    await released;
    return authorise.apply(this, call);
  });
  return { release, restore: () => (release(), held.mockRestore()) };
}

/** Answers that are held back, as they are stored. */
const held = () => at.rows(`SELECT * FROM orders.timers WHERE type = 'reply'`);

it('ends at once when the process closes, with the order as it is', async () => {
  const second = await aHouse({ DATABASE_URL: at.databaseUrl, RABBITMQ_URL: at.brokerUrl });
  const order = anOrder(sku, { paymentMethod: 'pm_slow', customerId: 'waits-at-the-second' });
  const waiting = seconds(() => second.rest.post('/v1/orders', order, { prefer: 'wait=20' }));
  await eventually(async () =>
    expect((await at.house.rest.get(`/v1/orders?customerId=${order.customerId}`)).body.orders).toHaveLength(1),
  );
  await second.close();
  const [answer, took] = await waiting;
  expect([answer.status, answer.body.state]).toEqual([202, 'PLACED']);
  expect(took).toBeLessThan(15);
  await orderIn(at.house, answer.body.id as string, 'CONFIRMED');
});
