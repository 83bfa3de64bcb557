import { connect } from 'amqplib';
import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, rig } from '../support/fixtures.js';
import { checkInvariants } from '../support/invariants.js';
import { HouseProcess } from '../support/process.js';
import { PRIVATE, type RabbitMq, startRabbitMq } from '../support/rabbitmq.js';
import { listHeader, publishRaw } from '../support/raw-amqp.js';
import { anOrder } from '../support/shop.js';

const VHOSTS = Array.from({ length: 6 }, (_, i) => `faults-${i}`);
const vhosts = [...VHOSTS];
const seed = Number(process.env['SEED'] ?? randomInt(1_000_000));
console.log(`seed ${seed}: SEED=${seed} runs the same again`);

let rabbit: RabbitMq;
let database: string;
let url: string;
let house: HouseProcess;

const bringUp = async () =>
  (rabbit = await startRabbitMq({
    directory: join(rig().directory, 'faults-broker'),
    vhosts: VHOSTS,
    ways: PRIVATE,
  }));
beforeAll(async () => void (await bringUp()));
afterAll(() => rabbit.stop());
beforeEach(async () => {
  database = await cloneDatabase();
  url = rabbit.url(vhosts.pop());
});
afterEach(async () => {
  expect(await house.stop()).toBe(0);
  await dropClone(database);
});

const start = async (): Promise<void> => {
  house = await HouseProcess.start({ DATABASE_URL: database, RABBITMQ_URL: url });
  await house.rest.put('/v1/items/tea', { name: 'Tea', currency: 'JPY', unitPrice: 600 });
  await house.rest.post('/v1/items/tea/receipts', { quantity: 10_000 });
};
const ready = async (): Promise<{ status: string; checks: Record<string, string> }> =>
  (await house.rest.get('/readyz')).body;
const readyIs = (status: string, within = 60_000) =>
  eventually(async () => expect(await ready()).toMatchObject({ status }), { within });

/** Places orders, each of which must be accepted, `perSecond` of them, or one after the other. */
async function place(count: number, perSecond = Infinity): Promise<string[]> {
  const began = performance.now();
  const placing: Promise<string>[] = [];
  for (let n = 0; n < count; n++) {
    await sleep(Math.max(0, (n * 1_000) / perSecond - (performance.now() - began)));
    placing.push(accepted(anOrder('tea', { customerId: `buyer-${n}` })));
  }
  return Promise.all(placing);
}

/** 429 is right after a stall of seconds, in which more came than may wait; whoever is told so asks again. */
async function accepted(order: object): Promise<string> {
  const key = { 'idempotency-key': randomUUID() };
  let answer = await house.rest.post('/v1/orders', order, key);
  for (let again = 0; answer.status === 429 && again < 10; again++) {
    await sleep(1_000);
    answer = await house.rest.post('/v1/orders', order, key);
  }
  expect(answer.status).toBe(202);
  return answer.body.id as string;
}

async function allConfirmed(ids: string[], within = 60_000): Promise<void> {
  await checkInvariants(database, within);
  const client = new Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query<{ id: string; state: string }>('SELECT id, state FROM orders.orders');
  await client.end();
  expect(new Set(rows.map((r) => r.id))).toEqual(new Set(ids));
  expect([...new Set(rows.map((r) => r.state))]).toEqual(['CONFIRMED']);
}

it('starts while the broker is away, accepts orders, and completes them when it comes', async () => {
  await rabbit.stop();
  await start();
  await readyIs('degraded');
  const ids = await place(200);
  expect((await ready()).checks).toMatchObject({ broker: 'degraded', database: 'ok' });
  await bringUp();
  await readyIs('ok');
  await allConfirmed(ids);
}, 240_000);

it('loses nothing when the broker is killed under 50 orders a second, and takes part again within 10 s', async () => {
  await start();
  await readyIs('ok');
  // Quorum queues younger than 2 s may come back empty on 3.10.8.
  await sleep(2_500);
  const placing = place(600, 50);
  await sleep(2_000 + (seed % 3_000));
  await rabbit.kill();
  await sleep(seed % 1_000);
  const booting = performance.now();
  await bringUp();
  const back = performance.now();
  // The broker has its queues back when it has been up for a while: on a slow machine for longer.
  await readyIs('ok', 10_000 * Math.max(1, (back - booting) / 6_000));
  console.log(`consumed again ${Math.round(performance.now() - back)} ms after the broker answered`);
  await allConfirmed(await placing);
}, 240_000);

it('accepts orders while the broker is short of memory, and completes them when it is not', async () => {
  await start();
  await readyIs('ok');
  await rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
  let ids: string[];
  try {
    ids = await place(100, 50);
    await readyIs('degraded');
    ids.push(...(await place(100, 50)));
  } finally {
    await rabbit.ctl('set_vm_memory_high_watermark', '0.4');
  }
  await readyIs('ok');
  await allConfirmed(ids);
}, 240_000);

it('notices within 15 s that a queue was deleted, declares and consumes it again, and says so', async () => {
  await start();
  await readyIs('ok');
  const connection = await connect(url);
  await (await connection.createChannel()).deleteQueue('sanmon.payments.internal');
  await connection.close();
  await eventually(() => expect(house.output).toContain('sanmon.payments.internal: was deleted'), { within: 15_000 });
  await readyIs('ok', 15_000);
  await allConfirmed(await place(50));
});

it('starts beside a queue with other settings: says which differ, works for the rest, and needs no restart', async () => {
  const queue = 'sanmon.payments.internal';
  const connection = await connect(url);
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 10 } });
  await start();
  await readyIs('degraded');
  await eventually(async () => {
    const { checks } = await ready();
    expect(Object.keys(checks).filter((name) => checks[name] !== 'ok')).toEqual([`queue ${queue}`]);
  });
  expect(house.output).toMatch(
    /payments\.internal exists with other settings: x-[a-z-]+ is .* on the broker and .* here/,
  );
  const ids = await place(20);
  await channel.deleteQueue(queue);
  await connection.close();
  await readyIs('ok');
  await allConfirmed(ids);
});

it('outlives a header table that would end amqplib, and every consumer with it', async () => {
  await start();
  await readyIs('ok');
  // Who it is cannot be read either, so it belongs to nobody; it is parked, and what comes behind it is handled.
  await publishRaw(url, 'orders.place', [listHeader('deep', 5_000)], Buffer.from('{}'));
  await publishRaw(url, 'orders.place', [], Buffer.from(JSON.stringify(anOrder('tea'))));
  const client = new Client({ connectionString: database });
  await client.connect();
  await eventually(
    async () => {
      const { rows } = await client.query(
        `SELECT (SELECT count(*)::int FROM orders.orders) AS orders, (SELECT array_agg(code) FROM orders.inbox) AS codes`,
      );
      expect(rows).toEqual([{ orders: 1, codes: ['headers-unreadable'] }]);
    },
    { within: 20_000 },
  );
  await client.end();
  expect(await ready()).toMatchObject({ status: 'ok' });
});
