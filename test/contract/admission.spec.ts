import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Stranger } from '../../src/messaging/inbox/strangers.js';
import { bearer } from '../support/caller.js';
import { eventually } from '../support/eventually.js';
import { API_KEYS } from '../support/house.js';
import { anOrder, type Gate, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const OTHER = 'a-second-key';
const at = useHouse({ API_KEYS: `${API_KEYS};second:${OTHER}:orders:read+orders:write` });
const GATES: Gate[] = ['rest', 'grpc', 'amqp'];
let sku: string;
beforeAll(async () => {
  sku = await stocked(at.house, 10_000);
});
afterEach(() => jest.restoreAllMocks());

const ordersOf = (customerId: string) =>
  at.rows<{ id: string }>('SELECT id FROM orders.orders WHERE customer_id = $1', [customerId]);

it('judges each message of a set by itself: of three, one invalid and one forbidden, one is handled', async () => {
  const { customerId, kept } = await oneSet();
  const [order] = await eventually(async () => {
    const found = await ordersOf(customerId);
    expect(found).toHaveLength(1);
    return found;
  });
  await orderIn(at.house, order!.id, 'CONFIRMED');
  const together = kept.mock.calls.map(([, , set]) => set.map((s: Stranger) => s.code)).filter((set) => set.length > 0);
  expect(together).toEqual([['invalid', 'missing-scope']]);
});

/** Three messages that come as one set; after a stall, in which the lock was given up, another three. */
async function oneSet(tries = 3) {
  const customerId = `set-${randomUUID()}`;
  const { strangers } = at.house.house.foundations.traffic.of('orders');
  const kept = jest.spyOn(strangers, 'keep');
  const began = performance.now();
  await whileOrdersAreHeld(async () => {
    // This one is taken at once and is held by the lock; what comes meanwhile is the next set.
    await at.house.amqp!.publish('orders.place', anOrder(sku, { customerId: 'first' }));
    await inHand();
    const publish = (input: object, secret: string) =>
      at.house.amqp!.publish('orders.place', input, { headers: { authorization: `Bearer ${secret}` } });
    await publish(anOrder(sku, { customerId, lines: [] }), OTHER);
    await publish(anOrder(sku, { customerId }), OTHER);
    await publish(anOrder(sku, { customerId }), 'a-reading-key');
    await handedOver();
  });
  if (tries === 1 || performance.now() - began < 4_000) return { customerId, kept };
  await eventually(async () => expect(await ordersOf(customerId)).toHaveLength(1));
  kept.mockRestore();
  return oneSet(tries - 1);
}

/** Holds every placing of orders back, shorter than a lock is waited for. */
async function whileOrdersAreHeld(work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: at.databaseUrl });
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE orders.orders IN EXCLUSIVE MODE');
    await work();
  } finally {
    await client.end();
  }
}

/** A set waits for the lock: whatever comes now belongs to the next one. */
const inHand = () =>
  eventually(async () => {
    const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'orders.orders'::regclass AND NOT granted`;
    expect(await at.rows(waiting)).toHaveLength(1);
  });

/** All that was published lies with the consumer. */
const handedOver = () =>
  eventually(async () => {
    const { messageCount } = await at.house.amqp!.channel.checkQueue('sanmon.orders');
    expect(messageCount).toBe(0);
  });

describe.each(GATES)('a call that is made again over %s', (gate) => {
  const again = async (operation: string, input: object) => {
    const key = randomUUID();
    const first = await at.caller.call(gate, operation, input, { key });
    const second = await at.caller.call(gate, operation, input, { key });
    return { first, second, key };
  };

  it('is answered again byte for byte: a success', async () => {
    const { first, second } = await again('orders.place', anOrder(sku, { note: '三門', locale: 'ja' }));
    expect([first.code, first.replayed, second.replayed]).toEqual(['ok', false, true]);
    expect(second.raw).toBe(first.raw);
    await orderIn(at.house, first.result.id, 'CONFIRMED');
  });

  it('is answered again byte for byte: not found', async () => {
    const { first, second } = await again('orders.cancel', { id: `ord_${randomUUID()}` });
    expect([first.code, first.replayed, second.replayed]).toEqual(['order-not-found', false, true]);
    expect([second.code, second.status, second.raw]).toEqual([first.code, first.status, first.raw]);
  });

  it('is answered again byte for byte: a conflict', async () => {
    const { id } = await placeThrough('rest', at.house, anOrder(sku, { paymentMethod: 'pm_declined' }));
    await orderIn(at.house, id, 'REJECTED');
    const { first, second } = await again('orders.cancel', { id });
    expect([first.code, first.replayed, second.replayed]).toEqual(['order-not-cancellable', false, true]);
    expect([second.code, second.status, second.raw]).toEqual([first.code, first.status, first.raw]);
  });

  it('is judged anew when it was refused as invalid: the key is still free', async () => {
    const later = `later-${randomUUID().slice(0, 8)}`;
    const { first, second, key } = await again('orders.place', anOrder(later));
    expect([first.code, second.code, second.replayed]).toEqual(['unknown-sku', 'unknown-sku', false]);
    await at.caller.call(gate, 'orders.place', anOrder(later, { lines: [] }), { key });
    await stocked(at.house, 1, later);
    const third = await at.caller.call(gate, 'orders.place', anOrder(later), { key });
    expect([third.code, third.replayed]).toEqual(['ok', false]);
  });

  it('is refused with another command, whoever answered the first', async () => {
    const key = randomUUID();
    for (const earlier of GATES) await placeThrough(earlier, at.house, anOrder(sku), key);
    const said = await at.caller.call(gate, 'orders.place', anOrder(sku, { note: 'another' }), { key });
    expect([said.code, said.status]).toEqual([
      'idempotency-key-reused',
      { rest: '422', grpc: 'INVALID_ARGUMENT', amqp: 'invalid' }[gate],
    ]);
  });
});

it('answers over each gate what another gate was answered first', async () => {
  for (const first of GATES) {
    const key = randomUUID();
    const begun = await at.caller.call(first, 'orders.place', anOrder(sku, { note: first }), { key });
    for (const gate of GATES) {
      const { result, replayed } = await at.caller.call(gate, 'orders.place', anOrder(sku, { note: first }), { key });
      expect([gate, replayed, result]).toEqual([gate, true, begun.result]);
    }
  }
});

it('makes one order of 100 concurrent calls with one key, and all are told of it', async () => {
  const customerId = `many-${randomUUID()}`;
  const key = randomUUID();
  const said = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      at.caller.call(i % 2 ? 'grpc' : 'rest', 'orders.place', anOrder(sku, { customerId }), { key }),
    ),
  );
  expect(new Set(said.map(({ code }) => code))).toEqual(new Set(['ok']));
  expect(new Set(said.map(({ result }) => JSON.stringify(Object.entries(result as object).sort()))).size).toBe(1);
  expect(said.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await ordersOf(customerId)).toEqual([{ id: said[0]!.result.id }]);
});

it('makes one order of 60 concurrent calls over all three gates', async () => {
  const customerId = `three-${randomUUID()}`;
  const key = randomUUID();
  const said = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      at.caller.call(GATES[i % 3]!, 'orders.place', anOrder(sku, { customerId }), { key }),
    ),
  );
  expect(new Set(said.map(({ code, result }) => `${code} ${result?.id}`)).size).toBe(1);
  expect(said.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await ordersOf(customerId)).toHaveLength(1);
});

it('keeps the keys of two callers apart, and of two operations', async () => {
  const key = randomUUID();
  const mine = await at.caller.call('rest', 'orders.place', anOrder(sku), { key });
  for (const gate of GATES) {
    const own = `${key}-${gate}`;
    const first = await at.caller.call(gate, 'orders.place', anOrder(sku), { key: own });
    const theirs = await at.caller.call(gate, 'orders.place', anOrder(sku, { note: 'theirs' }), {
      key: own,
      secret: OTHER,
    });
    const said = [first, theirs];
    // The publisher without a credential is a third caller.
    if (gate === 'amqp')
      said.push(await at.caller.call(gate, 'orders.place', anOrder(sku), { key: own, secret: null }));
    expect(said.map(({ code, replayed }) => [code, replayed])).toEqual(said.map(() => ['ok', false]));
    expect(new Set(said.map(({ result }) => result.id)).size).toBe(said.length);
  }
  const cancelled = await at.caller.call('rest', 'orders.cancel', { id: mine.result.id }, { key });
  expect([cancelled.code, cancelled.replayed]).toEqual(['ok', false]);
});

it.each<[key: string, gates: Gate[]]>([
  ['', GATES],
  ['k'.repeat(256), GATES],
  ['"unfinished', GATES],
  ['"', GATES],
  // n/a elsewhere, because these cannot stand in the headers of HTTP/2, and a line break in none of HTTP.
  ['ä', ['rest', 'amqp']],
  ['two\nlines', ['amqp']],
])('refuses a key that is none: %j', async (key, gates) => {
  for (const gate of gates) {
    const { code, status } = await at.caller.call(gate, 'orders.place', anOrder(sku), { key });
    const refused = { rest: '400', grpc: 'INVALID_ARGUMENT', amqp: 'invalid' }[gate];
    expect([gate, code, status]).toEqual([gate, 'invalid-idempotency-key', refused]);
  }
});

it('takes a key quoted or bare as one, and a message-id where there is no key', async () => {
  const key = randomUUID();
  const bare = await at.caller.call('rest', 'orders.place', anOrder(sku), { key });
  const quoted = await at.caller.call('grpc', 'orders.place', anOrder(sku), { key: `"${key}"` });
  const messageId = await at.caller.letter('orders.place', anOrder(sku), { headers: bearer, messageId: key });
  expect([quoted, messageId].map(({ replayed, result }) => [replayed, result])).toEqual([
    [true, bare.result],
    [true, bare.result],
  ]);
});

it('answers a message-id that comes twice again, and parks it when it comes with another command', async () => {
  const messageId = `letter-${randomUUID()}`;
  const customerId = `twice-${randomUUID()}`;
  const send = (more: object = {}) =>
    at.caller.letter('orders.place', anOrder(sku, { customerId, ...more }), { headers: bearer, messageId });
  const first = await send();
  const second = await send();
  expect([first.replayed, second.replayed, second.raw]).toEqual([false, true, first.raw]);
  const other = await send({ note: 'another' });
  expect([other.code, other.status, other.replayed]).toEqual(['idempotency-key-reused', 'invalid', false]);
  expect(await ordersOf(customerId)).toHaveLength(1);
  const parked = await at.rows(
    `SELECT lane, key, state, code FROM orders.inbox WHERE headers LIKE '%' || $1 || '%' AND state = 'parked'`,
    [messageId],
  );
  expect(parked).toEqual([{ lane: -1, key: null, state: 'parked', code: 'idempotency-key-reused' }]);
});

it('takes a message without message-id and key each time for a new command', async () => {
  const customerId = `each-${randomUUID()}`;
  const said = [1, 2].map(() => at.caller.letter('orders.place', anOrder(sku, { customerId }), { headers: bearer }));
  expect((await Promise.all(said)).map(({ code, replayed }) => [code, replayed])).toEqual([
    ['ok', false],
    ['ok', false],
  ]);
  expect(await ordersOf(customerId)).toHaveLength(2);
});
