import { AmqpClient } from '../support/amqp-client.js';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { KEY } from '../support/house.js';
import { checkInvariants } from '../support/invariants.js';
import { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { connect } from 'amqplib';
import { Client } from 'pg';

const MODULES = ['orders', 'payments', 'inventory', 'notifications'];
const ORDERS = sized({ short: 600, quick: 2_000, full: 20_000 });

/** Percent. In a short burst chance weighs more. */
const LEAST = sized({ short: 20, quick: 30, full: 30 });

/** So many messages of a module in a second are handled where they arrive (`src/messaging/inbox/internal.consumer.ts`). */
const MUCH = 50;

/** What a process says at its end: how much of each module it has handled, as it came and out of the inbox. */
const handledBy = ({ output }: HouseProcess): { came: number; stored: number }[] => {
  const [said] = /handled \(as they came \+ out of the inbox\): [^"]*/.exec(output) ?? [''];
  return MODULES.map((module) => {
    const [, came, stored] = new RegExp(`${module} (\\d+) \\+ (\\d+)`).exec(said) ?? [];
    return { came: Number(came), stored: Number(stored) };
  });
};

it(
  'two replicas share a burst: each does its part in every module, and the world hears each order in order',
  async () => {
    const database = await cloneDatabase();
    const brokerUrl = await takeVhost();
    const environment = { DATABASE_URL: database, RABBITMQ_URL: brokerUrl, LOG_LEVEL: 'info' };
    // One after the other, so that the first takes in for every module and the second is the one that shares.
    const houses = [await HouseProcess.start(environment), await HouseProcess.start(environment)];
    const publisher = await AmqpClient.connect(brokerUrl, KEY);
    const connection = await connect(brokerUrl);
    try {
      await Promise.all(houses.map((house) => house.queuesStand()));
      await acquainted(database);
      const heard = await hearing(connection);
      const { rest } = houses[0]!;
      await rest.put('/v1/items/tea', { name: 'Tea', currency: 'JPY', unitPrice: 600 });
      await rest.post('/v1/items/tea/receipts', { quantity: 1_000_000 });
      const began = performance.now();
      await Promise.all(
        Array.from({ length: ORDERS }, (_, i) =>
          publisher.publish('orders.place', anOrder('tea', { customerId: `c-${i}` })),
        ),
      );
      // Before the first of them is placed all is quiet, too.
      await eventually(() => heard.placed() === ORDERS || Promise.reject(new Error(`${heard.placed()} are placed`)), {
        within: sized({ short: 120_000, quick: 120_000, full: 600_000 }),
      });
      await checkInvariants(database, 60_000);
      const took = (performance.now() - began) / 1_000;
      await Promise.all(houses.map((house) => house.stop()));
      const [first, second] = houses.map(handledBy) as [ReturnType<typeof handledBy>, ReturnType<typeof handledBy>];
      const modules = MODULES.map((module, i) => {
        const [one, two] = [first[i]!, second[i]!];
        const stored = one.stored + two.stored;
        return { module, all: one.came + two.came + stored, stored, share: Math.round((100 * two.stored) / stored) };
      });
      report('two-share', {
        orders: ORDERS,
        'per second': Math.round(ORDERS / took),
        ...Object.fromEntries(
          modules.map(({ module, all, stored, share }) => [
            `shared of ${module}`,
            `${stored} of ${all}, ${share} % by the second`,
          ]),
        ),
      });
      // Four internal messages reach orders for each order at least; what was counted is what was handled.
      expect(modules[0]!.all).toBeGreaterThanOrEqual(3 * ORDERS);
      // Only what is much is shared, so the slower the machine, the less; a stall may make them strangers for a second or two.
      for (const { all, stored, share } of modules) {
        expect(stored).toBeGreaterThanOrEqual(all - MUCH * (took + 5));
        if (all < 2 * MUCH * took) continue;
        expect(share).toBeGreaterThanOrEqual(LEAST);
        expect(share).toBeLessThanOrEqual(100 - LEAST);
      }
      expect(heard.disorder()).toEqual([]);
    } finally {
      await Promise.all(houses.map((house) => house.kill()));
      await publisher.close();
      await connection.close();
      await dropClone(database);
    }
  },
  sized({ short: 240_000, quick: 300_000, full: 900_000 }),
);

/**
 * Waits until each process was heard by the other in every module, as it says each second: who knows of nobody shares nothing,
 * and a quick machine handles hundreds of messages meanwhile. What comes to us came to them, because they listen longer.
 */
async function acquainted(database: string): Promise<void> {
  const listener = new Client({ connectionString: database });
  await listener.connect();
  try {
    const heard = new Map(MODULES.map((module) => [`${module}.peers`, new Set<string>()]));
    listener.on('notification', ({ payload = '' }) => {
      const [from, topic] = payload.split(' ') as [string, string];
      heard.get(topic)?.add(from);
    });
    await listener.query('LISTEN sanmon');
    await eventually(() => expect([...heard.values()].map(({ size }) => size)).toEqual(MODULES.map(() => 2)), {
      within: 60_000,
    });
  } finally {
    await listener.end();
  }
}

/** Listens to what the world hears of orders; answers those that came after a later one of the same order. */
async function hearing(connection: Awaited<ReturnType<typeof connect>>) {
  const heard: { id: string; version: number }[] = [];
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'sanmon.events', 'orders.#');
  await channel.consume(
    queue,
    (message) => void heard.push(JSON.parse(message!.content.toString()) as { id: string; version: number }),
    { noAck: true },
  );
  return {
    placed: () => new Set(heard.map(({ id }) => id)).size,
    disorder: () => {
      const last = new Map<string, number>();
      return heard.filter(({ id, version }) => {
        const before = last.get(id) ?? 0;
        last.set(id, Math.max(before, version));
        return version < before;
      });
    },
  };
}
