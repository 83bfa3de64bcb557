import { type Channel, type ChannelModel, connect } from 'amqplib';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Subscription } from '../../src/messaging/broker/subscription.js';
import type { Handle } from '../../src/messaging/handlers.js';
import { eventually } from '../support/eventually.js';
import { rig, useDatabase } from '../support/fixtures.js';
import { freePort } from '../support/ports.js';
import { PRIVATE, type RabbitMq, startRabbitMq } from '../support/rabbitmq.js';
import { stopwatch } from '../support/stopwatch.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { logging, type Note, Noted, ToyHouse } from '../support/toy-house.js';

const QUEUE = 'sanmon.beta.internal';
const VHOSTS = Array.from({ length: 10 }, (_, i) => `broker-${i}`);

const database = useDatabase();
let rabbit: RabbitMq;
let url: string;
let house: ToyHouse;
let hands: ChannelModel;
let channel: Channel;
const vhosts = [...VHOSTS];

beforeAll(async () => {
  await ToyHouse.tables(database.url);
  rabbit = await startRabbitMq({ directory: join(rig().directory, 'broker-spec'), vhosts: VHOSTS, ways: PRIVATE });
});
afterAll(() => rabbit.stop());

beforeEach(async () => {
  url = rabbit.url(vhosts.pop());
  hands = await connect(url);
  channel = await hands.createChannel();
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const table of ['beta.log', 'beta.inbox', 'alpha.inbox', 'alpha.outbox', 'beta.outbox'])
    await house.source.query(`DELETE FROM ${table}`);
  await house.close();
  await hands.close();
});

const series = (key: string, length: number, from = 1): Note[] =>
  Array.from({ length }, (_, i) => ({ key, n: from + i }));
const complaint = (queue = QUEUE): string => house.traffic.broker!.complaintOf(queue);
const consumed = (queue = QUEUE) => eventually(() => expect(complaint(queue)).toBe(''), { within: 60_000 });
const handled = (numbers: number[]) =>
  eventually(async () => expect((await house.log()).map((r) => r.n)).toEqual(numbers), { within: 60_000 });
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

it('says which setting of a queue differs, lets every other queue work, and goes on when it is mended', async () => {
  await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'classic' } });
  const heard: number[] = [];
  const hears: Handle = async (messages) => void heard.push(...messages.map((m) => (m.body as Note).n));
  house = await ToyHouse.open(database.url, url, {
    alpha: { 'beta.noted.v1': hears },
    beta: { 'beta.note': logging() },
  });
  await eventually(() => expect(complaint()).toMatch(/x-dead-letter-exchange is none on the broker and .* here/));
  expect(complaint()).toMatch(/delete it/);
  await consumed('sanmon.alpha.internal');
  await consumed('sanmon.beta.dead');
  expect(house.traffic.broker!.complaint).toBe('');
  await house.send(series('a', 2));
  await house.database.transaction(async (tx) => house.traffic.of('beta').outbox.publish(tx, Noted, series('a', 3)));
  await eventually(() => expect(heard).toEqual([1, 2, 3]));
  await channel.deleteQueue(QUEUE);
  await consumed();
  await handled([1, 2]);
});

it('says when a queue is not durable, and when an exchange is of another type', async () => {
  await channel.assertExchange('sanmon.events', 'fanout', { durable: true });
  await channel.assertQueue('sanmon.alpha.internal', { durable: false });
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await eventually(() =>
    expect(complaint('sanmon.alpha.internal')).toMatch(/(durable|x-queue-type) is .* on the broker/),
  );
  await eventually(() => expect(house.traffic.broker!.complaint).toMatch(/sanmon\.events .* type is .*fanout/));
  await house.send(series('a', 2));
  await handled([1, 2]);
});

it('declares and consumes a queue again that was deleted under it', async () => {
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await house.send(series('a', 1));
  await handled([1]);
  await channel.deleteQueue(QUEUE);
  await house.send(series('a', 1, 2));
  await handled([1, 2]);
  await consumed();
});

it('waits with what nobody is bound to, sends the rest meanwhile, and loses nothing when it is bound again', async () => {
  // It looks every 10 s, and would bind it again by itself.
  const watch = jest.spyOn(Subscription.prototype as unknown as { watch(): Promise<void> }, 'watch');
  watch.mockReturnValue(new Promise(() => undefined));
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await house.send(series('a', 1));
  await handled([1]);
  await channel.unbindQueue(QUEUE, 'sanmon.internal', 'beta');
  for (let n = 2; n <= 40; n++) await house.send(series('a', 1, n));
  await channel.assertQueue('world', { durable: false, autoDelete: true });
  await channel.bindQueue('world', 'sanmon.events', '#');
  await house.database.transaction(async (tx) => house.traffic.of('alpha').outbox.publish(tx, Noted, series('a', 1)));
  await eventually(async () => expect((await channel.checkQueue('world')).messageCount).toBe(1), { within: 20_000 });
  expect(await house.log()).toHaveLength(1);
  await channel.bindQueue(QUEUE, 'sanmon.internal', 'beta');
  await handled(upTo(40));
});

/** Milliseconds from the outbox to the handler, one message after the other: the median, which no stall moves. */
async function each(from: number, to: number): Promise<number> {
  const times: number[] = [];
  for (let n = from; n <= to; n++) {
    const began = performance.now();
    await house.send(series('a', 1, n));
    await eventually(async () => expect(await house.log()).toHaveLength(n), { every: 2 });
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

it('is not slowed by 50,000 rows that nobody takes', async () => {
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await house.send(series('a', 1));
  await handled([1]);
  const alone = await each(2, 21);
  await house.source.query(
    `INSERT INTO alpha.outbox (lane, route, key, type, message_id, body)
     SELECT i % 32, 'internal:nowhere', 'k' || i, 'nowhere.go', gen_random_uuid(), '{}' FROM generate_series(1, 50000) i`,
  );
  const beside = await each(22, 61);
  console.log(`${alone.toFixed(1)} ms from outbox to handler alone, ${beside.toFixed(1)} beside 50,000 rows that stay`);
  expect(beside).toBeLessThan(3 * alone + 50);
});

it('binds again by itself what somebody unbound', async () => {
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await consumed();
  await channel.unbindQueue(QUEUE, 'sanmon.internal', 'beta');
  await house.send(series('a', 1));
  await eventually(async () => expect(await house.log()).toHaveLength(1), { within: 40_000 });
});

it('notices a dead link within 15 s and sends what was in flight again under the same ids', async () => {
  const through = await TcpProxy.before(url);
  house = await ToyHouse.open(database.url, through.url, { beta: { 'beta.note': logging() } });
  await house.send(series('a', 1));
  await handled([1]);
  const waited = stopwatch();
  through.proxy.set('black-hole');
  await house.send(series('a', 50, 2));
  await eventually(() => expect(house.traffic.broker!.ready()).toBe(false), { within: 40_000 });
  await eventually(() => expect(complaint()).not.toBe(''), { within: 40_000 });
  const noticed = waited();
  console.log(`a dead link was noticed after ${Math.round(noticed)} ms`);
  expect(noticed).toBeLessThan(15_000);
  through.proxy.set('pass');
  await handled(upTo(51));
  await house.close();
  await through.proxy.close();
  house = await ToyHouse.open(database.url, url, {});
});

it('sends again what was published and never confirmed: it is handled once', async () => {
  const through = await TcpProxy.before(url);
  house = await ToyHouse.open(database.url, through.url, { beta: { 'beta.note': logging() } });
  await house.send(series('a', 1));
  await handled([1]);
  // The class and method of basic.ack: the broker's confirm.
  const held = through.proxy.holdOn('to-client', Buffer.from([0x00, 0x3c, 0x00, 0x50]));
  await house.send(series('a', 10, 2));
  await held;
  through.proxy.cut();
  await eventually(async () => expect(await house.source.query('SELECT 1 FROM alpha.outbox')).toEqual([]));
  await handled(upTo(11));
  await house.close();
  await through.proxy.close();
  house = await ToyHouse.open(database.url, url, {});
});

it('finds the broker that lives among several addresses', async () => {
  const dead = Object.assign(new URL(url), { port: String(await freePort()) }).href;
  house = await ToyHouse.open(database.url, [dead, url], { beta: { 'beta.note': logging() } });
  await house.send(series('a', 2));
  await handled([1, 2]);
});

it('pauses while the broker is short of memory, and resumes by itself', async () => {
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await house.send(series('a', 1));
  await handled([1]);
  await rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
  try {
    await house.send(series('a', 5, 2));
    await eventually(() => expect(house.traffic.broker!.complaint).toMatch(/blocks publishers/));
    expect(house.traffic.broker!.ready()).toBe(false);
  } finally {
    await rabbit.ctl('set_vm_memory_high_watermark', '0.4');
  }
  await handled(upTo(6));
  expect(house.traffic.broker!.complaint).toBe('');
});

it('leaves the backlog in the broker while too much is stored, and takes it when that shrank', async () => {
  let broken = true;
  const failing = logging('one', () => {
    if (broken) throw new Error('not today');
  });
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': failing } }, 100);
  const keys = (n: number) => Array.from({ length: 200 }, (_, i) => ({ key: `key-${n}-${i}`, n: 1 }));
  await house.send(keys(0));
  await eventually(async () => expect(await house.traffic.of('beta').pressure.ofMessages()).toBe(true));
  for (let n = 1; n <= 5; n++) await house.send(keys(n));
  await eventually(async () => expect(await house.source.query('SELECT 1 FROM alpha.outbox')).toEqual([]), {
    within: 60_000,
  });
  // That nothing is taken can only be seen by waiting: longer than it takes to count again.
  await sleep(1_500);
  // The first two hundred came in one set or in two, between which it may have been counted.
  expect((await house.inbox()).length).toBeLessThanOrEqual(200);
  broken = false;
  await eventually(async () => expect(await house.log()).toHaveLength(1_200), { within: 90_000 });
  expect(await house.inbox()).toEqual([]);
});

it('parks what the broker gave up on, ours in the place of its key', async () => {
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await consumed();
  await house.traffic.broker!.stopConsuming();
  await house.send([{ key: 'a', n: 1 }]);
  // As a process would that this message kills each time.
  const deaths = await channel.consume(QUEUE, (message) => message && channel.nack(message));
  await eventually(
    async () => expect(await channel.checkQueue('sanmon.beta.dead')).toMatchObject({ messageCount: 1 }),
    { within: 60_000 },
  );
  await channel.cancel(deaths.consumerTag);
  await house.close();
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await eventually(async () =>
    expect(await house.inbox()).toEqual([{ key: 'a', state: 'parked', code: 'delivery-limit', type: 'beta.note' }]),
  );
  await house.send([{ key: 'a', n: 2 }]);
  await eventually(async () => expect((await house.inbox()).map((m) => m.state)).toEqual(['parked', 'waiting']));
});

it('parks what a stranger left among the dead letters, without his credential', async () => {
  house = await ToyHouse.open(database.url, url, { beta: { 'beta.note': logging() } });
  await consumed('sanmon.beta.dead');
  channel.sendToQueue('sanmon.beta.dead', Buffer.from('{'), {
    headers: { authorization: 'Bearer secret', 'x-death': [{ 'routing-keys': ['beta.do'] }] },
  });
  await eventually(async () =>
    expect(await house.inbox()).toEqual([{ key: null, state: 'parked', code: 'delivery-limit', type: 'beta.do' }]),
  );
  const [row] = await house.source.query<[{ headers: string }]>('SELECT headers FROM beta.inbox');
  expect(row.headers).not.toContain('secret');
  expect(await channel.checkQueue('sanmon.beta.dead')).toMatchObject({ messageCount: 0 });
});
