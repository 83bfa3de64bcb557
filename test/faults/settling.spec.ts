import { connect, type ChannelModel, type GetMessage } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { AmqpClient } from '../support/amqp-client.js';
import { eventually } from '../support/eventually.js';
import { KEY } from '../support/house.js';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const ROUNDS = sized({ short: 1, quick: 3, full: 30 });
/** The first ones move the delivery tags of their channel on; a set of the others is caught in the middle. */
const [BEFORE, BEHIND] = [300, 500];
const BACKLOG = 1_200;
/** What may be here unsettled (`src/gates/amqp/commands.consumer.ts`). */
const HERE = 32;

/** How messages are taken and settled: what a broker sees of a consumer, and what a lost connection does to it. */
describe('a house that takes messages', () => {
  let stage: Stage;
  let amqp: AmqpClient;
  let broker: ChannelModel;
  let database: Client;
  let placed = 0;
  beforeAll(async () => {
    stage = await Stage.set('T1, T6', { mail: false });
    await stage.victim.queuesStand();
    await stage.stock('tea', 1_000_000);
    amqp = await AmqpClient.connect(stage.brokerUrl, KEY);
    broker = await connect(stage.brokerUrl);
    database = new Client({ connectionString: stage.database });
    database.on('error', () => undefined);
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await amqp?.close();
    await broker?.close();
    await stage?.strike();
  });

  /** Publishes orders, each confirmed by the broker: from then on none may be lost. */
  const publish = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () => {
        const customerId = `letter-${placed++}`;
        stage.journal.calls.push({ key: customerId, customerId, result: 'info' });
        return amqp.publish('orders.place', anOrder('tea', { customerId }), {
          messageId: customerId,
          persistent: true,
        });
      }),
    );
  const orders = async (): Promise<number> =>
    Number((await database.query<{ n: string }>('SELECT count(*) AS n FROM orders.orders')).rows[0]!.n);
  const allPlaced = () => eventually(async () => expect(await orders()).toBe(placed), { within: 90_000, every: 100 });
  /** A set of orders waits for its COMMIT until the trap lets go. */
  const holdASet = () =>
    stage.ways.database.lay({
      ...{ direction: 'up', match: 'COMMIT', after: 'orders.add', since: 'BEGIN;', action: 'hold', times: 1 },
    });

  it('answers for a message only when it is written: one that is in hand at a kill -9 comes again (T1)', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const trap = holdASet();
      await publish(100);
      await trap.sprung;
      await stage.victim.kill();
      trap.remove();
      await stage.victim.startAgain();
      await allPlaced();
    }
  }, 240_000);

  it('has no more in hand than it asked for: the backlog stays in the broker (T1)', async () => {
    const trap = holdASet();
    await publish(BACKLOG);
    await trap.sprung;
    const channel = await broker.createChannel();
    // Set in hand and prefetched; the rest must still be the broker's.
    await eventually(async () => {
      const { messageCount } = await channel.checkQueue('sanmon.orders');
      expect(messageCount).toBeGreaterThanOrEqual(BACKLOG - HERE);
    });
    await sleep(500);
    const { messageCount } = await channel.checkQueue('sanmon.orders');
    expect(messageCount).toBeGreaterThanOrEqual(BACKLOG - HERE);
    await channel.close();
    trap.remove();
    trap.release();
    await allPlaced();
  }, 240_000);

  it('asks the broker to write to disk whatever it sends (T1)', async () => {
    const channel = await broker.createChannel();
    const heard: GetMessage['properties'][] = [];
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'sanmon.events', '#');
    await channel.bindQueue(queue, 'sanmon.internal', '#');
    await channel.consume(queue, (message) => void heard.push(message!.properties), { noAck: true });
    await publish(1);
    await eventually(() => expect(heard.length).toBeGreaterThanOrEqual(10), { within: 20_000 });
    expect(heard.filter(({ deliveryMode }) => deliveryMode !== 2)).toEqual([]);
    await channel.close();
  });

  it('settles a message only on the channel that brought it: a connection lost in the middle loses nothing (T6)', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      // Tags of this channel are now beyond those a new channel gives to the same messages.
      await publish(BEFORE);
      await allPlaced();
      const trap = holdASet();
      await publish(BEHIND);
      await trap.sprung;
      stage.ways.broker.cutAll();
      const channel = await broker.createChannel();
      await eventually(async () => expect((await channel.checkQueue('sanmon.orders')).consumerCount).toBe(1), {
        within: 40_000,
      });
      // By now the new channel has brought what the old one had not settled, and more.
      await sleep(1_000);
      await channel.close();
      trap.remove();
      trap.release();
      await allPlaced();
    }
  }, 240_000);

  it('has lost none of them, and done none twice', async () => {
    const { rows } = await database.query<{ id: string; customer_id: string }>(
      'SELECT id, customer_id FROM orders.orders',
    );
    const ids = new Map(rows.map((row) => [row.customer_id, row.id]));
    for (const call of stage.journal.calls) Object.assign(call, { result: 'ok', orderId: ids.get(call.customerId) });
    report('T1, T6', {
      orders: placed,
      lost: 0,
      doubled: 0,
      'ended after s': await stage.check(),
    });
  });
});
