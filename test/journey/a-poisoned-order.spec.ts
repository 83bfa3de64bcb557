import { v7 } from 'uuid';
import { Failure } from '../../src/failure.js';
import type { Handle } from '../../src/messaging/handlers.js';
import { eventually } from '../support/eventually.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import { aHouse, type TestHouse } from '../support/house.js';
import { checkInvariants } from '../support/invariants.js';
import { anOrder, type Json, orderIn, placeThrough, stocked, timelineOf } from '../support/shop.js';

const AUTHORISED = 'payments.payment-authorised.v1';
const OTHERS = 20;

const database = useDatabase();
const vhost = useVhost();

describe.each(['local', 'rabbitmq'] as const)('one poisoned order among others, over the %s carrier', (carrier) => {
  let house: TestHouse;
  let sku: string;
  beforeAll(async () => {
    house = await aHouse({ DATABASE_URL: database.url, RABBITMQ_URL: carrier === 'rabbitmq' ? vhost.url : undefined });
    sku = await stocked(house, 1_000);
  });
  afterAll(async () => {
    try {
      await checkInvariants(house, 20_000);
    } finally {
      await house.close();
    }
  });

  const onTheDesk = async (key: string): Promise<Json[]> =>
    (await house.rest.get(`/v1/ops/messages?module=orders&key=${key}`)).body.messages;
  const act = async (id: string, what: string, body?: object): Promise<Json> => {
    const { status, text, body: answer } = await house.rest.post(`/v1/ops/messages/${id}/${what}`, body);
    if (status >= 300) throw new Error(text);
    return answer;
  };

  /** An order whose payment takes 2 s, and before its answer a message that its story cannot understand. */
  async function poisoned(): Promise<{ id: string; poison: string }> {
    const { id } = await placeThrough('rest', house, anOrder(sku, { paymentMethod: 'pm_slow' }));
    const { traffic } = house.house.foundations;
    const { database: payments, outbox } = traffic.of('payments');
    const message = { id: v7(), key: id, type: AUTHORISED, route: 'internal:payments.events', headers: null };
    await payments.transaction(async (tx) => outbox.write(tx, [{ ...message, body: '{"orderId":"ord_of-nobody"}' }]));
    await eventually(async () =>
      expect(await onTheDesk(id)).toMatchObject([{ state: 'PARKED' }, { state: 'WAITING' }]),
    );
    return { id, poison: `msg_${message.id}` };
  }

  /** The others are not slower for it: all of them end while the poisoned one stands still. */
  async function othersFlow(poisonedId: string, state = 'PLACED'): Promise<void> {
    const placed = await Promise.all(Array.from({ length: OTHERS }, () => placeThrough('rest', house, anOrder(sku))));
    for (const { id } of placed) await orderIn(house, id, 'CONFIRMED');
    expect((await house.rest.get(`/v1/orders/${poisonedId}`)).body.state).toBe(state);
  }

  it('holds back its own messages only, and goes on when the poison is replaced by what was meant', async () => {
    const { id, poison } = await poisoned();
    await othersFlow(id);
    const [head, behind] = await onTheDesk(id);
    expect(head).toMatchObject({ id: poison, type: AUTHORISED, key: id, code: 'order-not-found', attempts: 1 });
    expect(head.payload).toEqual({ orderId: 'ord_of-nobody' });
    expect(behind).toMatchObject({ type: AUTHORISED, code: 'waits-for-its-key', payload: { orderId: id } });

    await act(poison, 'release');
    await eventually(async () =>
      expect(await onTheDesk(id)).toMatchObject([
        { id: poison, state: 'PARKED', errors: [{}, {}] },
        { state: 'WAITING' },
      ]),
    );

    // The real message behind it passes the rules of its class, which nothing but its own kind does.
    await act(poison, 'replacement', { payload: behind.payload });
    await orderIn(house, id, 'CONFIRMED');
    expect(await timelineOf(house, id)).toEqual([
      'order-placed',
      'order-authorised',
      'order-reserved',
      'order-confirmed',
    ]);
    const { acts } = (await house.rest.get(`/v1/ops/audit?messageId=${poison}`)).body;
    expect(acts).toMatchObject([
      { act: 'REPLACE', by: 'key:shop', key: id, original: { payload: { orderId: 'ord_of-nobody' } } },
      { act: 'RELEASE', by: 'key:shop', key: id },
    ]);
  });

  it('goes on when the poison is discarded, which the audit keeps with the reason', async () => {
    const { id, poison } = await poisoned();
    await othersFlow(id);
    await act(poison, 'discard', { reason: 'of nobody' });
    await orderIn(house, id, 'CONFIRMED');
    expect((await house.rest.get(`/v1/ops/messages/${poison}`)).body.code).toBe('message-not-found');
    const { acts } = (await house.rest.get(`/v1/ops/audit?messageId=${poison}`)).body;
    expect(acts).toMatchObject([
      { act: 'DISCARD', reason: 'of nobody', original: { id: poison, payload: { orderId: 'ord_of-nobody' } } },
    ]);
  });

  it('applies everything in order, once, when it is released after the bug was mended', async () => {
    const { handlers } = house.house.foundations.traffic;
    const mended = handlers.of.bind(handlers);
    const handled: string[] = [];
    let broken = '';
    const seen = new Map<Handle, Handle>();
    const watched =
      (handle: Handle): Handle =>
      async (messages, reception) => {
        const good = messages.filter(({ key, type }) => key !== broken || type !== AUTHORISED);
        const outcomes = (await handle(good, reception)) ?? [];
        handled.push(...good.map(({ key, type }) => `${key} ${type}`));
        return messages.map((m) =>
          good.includes(m) ? outcomes[good.indexOf(m)] : new Failure('conflict', 'story-bug', 'a bug of this version'),
        );
      };
    handlers.of = (module, type) => {
      const handle = mended(module, type);
      if (module !== 'orders' || !handle) return handle;
      if (!seen.has(handle)) seen.set(handle, watched(handle));
      return seen.get(handle);
    };
    const { id } = await placeThrough('rest', house, anOrder(sku, { paymentMethod: 'pm_slow' }));
    broken = id;
    await eventually(async () => expect(await onTheDesk(id)).toMatchObject([{ state: 'PARKED', code: 'story-bug' }]));
    expect((await house.rest.post(`/v1/orders/${id}/cancellation`)).status).toBe(202);
    await eventually(async () => expect(await onTheDesk(id)).toHaveLength(2));
    await othersFlow(id, 'CLOSING');
    const waiting = await onTheDesk(id);
    expect(waiting.map((m) => m.state)).toEqual(['PARKED', 'WAITING']);

    broken = '';
    await act(waiting[0].id, 'release');
    await orderIn(house, id, 'CANCELLED');
    handlers.of = mended;
    expect(handled.filter((h) => h.startsWith(id))).toEqual(waiting.map((m) => `${id} ${m.type}`));
    expect((await timelineOf(house, id)).slice(0, 2)).toEqual(['order-placed', 'order-closing']);
    expect(await onTheDesk(id)).toEqual([]);
  });
});
