import { connect } from 'amqplib';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { readSettings } from '../../src/config/read-settings.js';
import { openHouse } from '../../src/house.js';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { aHouse, API_KEYS, KEY } from '../support/house.js';
import { freePort } from '../support/ports.js';
import { RestClient } from '../support/rest-client.js';
import { rowsOf } from '../support/postgres.js';
import { anOrder, stocked } from '../support/shop.js';

it('is ready when its queues stand, so that a command published then is not lost', async () => {
  const { environment, house, checks } = await justOpened();
  const connection = await connect(environment.RABBITMQ_URL);
  try {
    expect(checks).toMatchObject({
      broker: 'ok',
      'queue sanmon.orders': 'ok',
      'queue sanmon.orders.queries': 'ok',
      'queue sanmon.orders.ops': 'ok',
    });
    const channel = await connection.createConfirmChannel();
    const returned: unknown[] = [];
    channel.on('return', (message) => returned.push(message));
    for (const key of ['orders.place', 'payments.get', 'inventory.put-item', 'ops.notifications.list-messages'])
      channel.publish('sanmon.commands', key, Buffer.from('{}'), { mandatory: true });
    await channel.waitForConfirms();
    expect(returned).toEqual([]);
    // A module that is nobody's: `mandatory` is how a publisher learns it.
    channel.publish('sanmon.commands', 'kitchen.cook', Buffer.from('{}'), { mandatory: true });
    await channel.waitForConfirms();
    expect(returned).toHaveLength(1);
    expect((await house.amqp!.ask('orders.place', anOrder(await stocked(house, 1)))).body.result.state).toBe('PLACED');
  } finally {
    await house.close();
    await connection.close();
    await dropClone(environment.DATABASE_URL);
  }
});

/** A house, and what it says to the first thing that anybody asks after the start. */
async function justOpened(tries = 5) {
  const environment = { DATABASE_URL: await cloneDatabase(), RABBITMQ_URL: await takeVhost() };
  const began = performance.now();
  const house = await aHouse(environment, 0);
  const took = performance.now() - began;
  const { checks } = (await house.rest.get('/readyz')).body;
  // It waits five seconds for its queues, and then it is right to be ready without them.
  const allOk = Object.values(checks).every((said) => said === 'ok');
  if (allOk || took < 5_000 || tries === 1) return { environment, house, checks };
  await house.close();
  await dropClone(environment.DATABASE_URL);
  return justOpened(tries - 1);
}

it('takes calls over REST before its queues stand, and is not ready yet', async () => {
  const nobody = await freePort();
  const DATABASE_URL = await cloneDatabase();
  const settings = readSettings({
    ...{ DATABASE_URL, RABBITMQ_URL: `amqp://127.0.0.1:${nobody}`, MODULES: 'inventory' },
    ...{ API_KEYS, MESSAGE_SECRET: 'the secret of the test house' },
    ...{ HOST: '127.0.0.1', PORT: '0', GRPC_PORT: '0', LOG_LEVEL: 'error' },
    DATA_DIR: mkdtempSync(join(tmpdir(), 'sanmon-')),
  });
  const house = await openHouse(settings);
  try {
    const rest = new RestClient(`http://127.0.0.1:${house.httpPort}`, KEY);
    const { status, body } = await rest.get('/readyz');
    expect({ status, starting: body.checks.starting }).toEqual({ status: 503, starting: 'down' });
    const item = { name: 'Tea', currency: 'JPY', unitPrice: 600 };
    expect((await rest.put('/v1/items/tea', item)).status).toBeLessThan(300);
    await house.standing;
    const later = await rest.get('/readyz');
    expect({ status: later.status, is: later.body.status }).toEqual({ status: 200, is: 'degraded' });
  } finally {
    await house.close();
    await dropClone(DATABASE_URL);
  }
});

it('takes the binding of an earlier version away, which would put queries among the commands', async () => {
  const environment = { DATABASE_URL: await cloneDatabase(), RABBITMQ_URL: await takeVhost() };
  let house = await aHouse(environment);
  const connection = await connect(environment.RABBITMQ_URL);
  const channel = await connection.createChannel();
  try {
    await channel.bindQueue('sanmon.orders', 'sanmon.commands', 'orders.#');
    await house.close();
    house = await aHouse(environment);
    const replies: string[] = [];
    await channel.assertQueue('reply.old', { exclusive: true });
    await channel.consume('reply.old', (message) => replies.push(message!.content.toString()), { noAck: true });
    for (let n = 0; n < 3; n++)
      channel.publish('sanmon.commands', 'orders.list', Buffer.from('{}'), {
        replyTo: 'reply.old',
        headers: { authorization: 'Bearer a-reading-key' },
      });
    const sku = await stocked(house, 1);
    await house.amqp!.ask('orders.place', anOrder(sku));
    await house.amqp!.ask('orders.list', {});
    await eventually(() => expect(replies).toHaveLength(3));
  } finally {
    await house.close();
    await connection.close();
    await dropClone(environment.DATABASE_URL);
  }
});

it('tries a command that was delivered before from its own tables, and sets one aside that no process survived', async () => {
  const environment = { DATABASE_URL: await cloneDatabase(), RABBITMQ_URL: await takeVhost() };
  const connection = await connect(environment.RABBITMQ_URL);
  let house = await aHouse(environment);
  try {
    const sku = await stocked(house, 2);
    await house.close();
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('reply.again', { exclusive: true });
    channel.publish('sanmon.commands', 'orders.place', Buffer.from(JSON.stringify(anOrder(sku))), {
      replyTo: 'reply.again',
      messageId: v7(),
    });
    await channel.waitForConfirms();
    const gone = await connection.createChannel();
    expect(await gone.get('sanmon.orders')).not.toBe(false);
    await gone.close();
    await rowsOf(
      environment.DATABASE_URL,
      `INSERT INTO orders.inbox (lane, type, message_id, state, due, attempts, code, principal, headers, body, at)
       VALUES (-1, 'orders.place', '${v7()}', 'retry', now(), 6, 'came-again', 'amqp:publisher',
               '{"headers":{},"scopes":["orders:write"]}', '${JSON.stringify(anOrder(sku))}', now() - interval '1 hour')`,
    );
    house = await aHouse(environment);
    const answer = await eventually(async () => {
      const reply = await channel.get('reply.again', { noAck: true });
      expect(reply).not.toBe(false);
      return JSON.parse((reply as { content: Buffer }).content.toString()) as { result: { state: string } };
    });
    expect(answer.result.state).toBe('PLACED');
    await eventually(async () => {
      const { body } = await house.rest.get('/v1/ops/messages?module=orders');
      expect(body.messages).toMatchObject([{ state: 'PARKED', code: 'process-ended', attempts: 6 }]);
    });
    expect(await rowsOf(environment.DATABASE_URL, 'SELECT FROM orders.orders')).toHaveLength(1);
  } finally {
    await house.close();
    await connection.close();
    await dropClone(environment.DATABASE_URL);
  }
});
