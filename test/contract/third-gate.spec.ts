import { connect } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { bearer } from '../support/caller.js';
import { eventually } from '../support/eventually.js';
import { anOrder, itemOf, type Json, orderIn, paymentOf, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const at = useHouse();
const MODULES = ['orders', 'payments', 'inventory', 'notifications'];
let sku: string;
let order: Json;

beforeAll(async () => {
  sku = await stocked(at.house, 10_000);
  order = await orderIn(at.house, (await placeThrough('rest', at.house, anOrder(sku))).id, 'CONFIRMED');
  // What follows from it changes what is read below.
  await eventually(async () => {
    expect(await itemOf(at.house, sku)).toMatchObject({ sold: 1 });
    expect(await at.rows(`SELECT FROM notifications.notifications WHERE state = 'SENT'`)).toHaveLength(1);
  });
});

const ask = async (routingKey: string, input: unknown, properties = {}) =>
  (await at.house.amqp!.ask(routingKey, input, properties)).body;
const stored = async (): Promise<Json[]> => {
  const all = MODULES.map((module) => `SELECT '${module}' AS module, type, state, code FROM ${module}.inbox`);
  return at.rows<Json>(all.join(' UNION ALL '));
};

describe('a query over RabbitMQ', () => {
  it('is answered to reply-to with what REST answers', async () => {
    const payment = await paymentOf(at.house, order.id);
    const asked: [string, object][] = [
      ['orders.get', { id: order.id }],
      ['orders.list', { customerId: 'ada', pageSize: 1 }],
      ['orders.timeline', { id: order.id }],
      ['inventory.get-item', { sku }],
      ['inventory.list-items', { pageSize: 2 }],
      ['payments.get', { id: payment.id }],
      ['payments.list', { orderId: order.id }],
      ['notifications.list', { orderId: order.id }],
    ];
    for (const [operation, input] of asked) {
      const [rest, amqp] = await Promise.all(
        (['rest', 'amqp'] as const).map((gate) => at.caller.call(gate, operation, input)),
      );
      expect([operation, amqp!.code]).toEqual([operation, 'ok']);
      expect(amqp!.result).toEqual(rest!.result);
    }
    expect(await stored()).toEqual([]);
  });

  it('is refused with the code and the sentence of REST, and nothing of it is kept', async () => {
    const wrong: [string, object, { secret?: string | null }][] = [
      ['orders.get', { id: `ord_${v7()}` }, {}],
      ['orders.list', { pageSize: 0 }, {}],
      ['orders.list', { pageToken: 'abc' }, {}],
      ['payments.list', { orderId: order.id }, { secret: 'a-reading-key' }],
      ['orders.get', { id: order.id }, { secret: 'nobody-has-this' }],
    ];
    for (const [operation, input, how] of wrong) {
      const [rest, amqp] = await Promise.all(
        (['grpc', 'amqp'] as const).map((gate) => at.caller.call(gate, operation, input, how)),
      );
      expect([amqp!.code, amqp!.message]).toEqual([rest!.code, rest!.message]);
      expect(amqp!.code).not.toBe('ok');
    }
    // A publisher without a credential may write orders, and read nothing.
    const { failure } = await ask('orders.get', { id: order.id }, { headers: { authorization: undefined } });
    expect(failure.code).toBe('missing-scope');
    expect(await stored()).toEqual([]);
  });

  it('answers a hundred at once, each with its own correlation-id', async () => {
    const ids = await Promise.all(
      Array.from(
        { length: 100 },
        async (_, i) => (await placeThrough('rest', at.house, anOrder(sku, { note: `${i}` }))).id,
      ),
    );
    const answers = await Promise.all(ids.map((id) => ask('orders.get', { id })));
    expect(answers.map(({ result }) => result.id)).toEqual(ids);
  });

  it('is dropped without a reply-to, and where reply-to names a queue of the house nothing is put there', async () => {
    await at.house.amqp!.publish('orders.get', { id: order.id });
    await at.house.amqp!.publish('orders.get', { id: order.id }, { replyTo: 'sanmon.inventory', correlationId: 'x' });
    // The queries of one queue are taken in their order, so this is answered when those were judged.
    expect((await ask('orders.get', { id: order.id })).result.id).toBe(order.id);
    // The hundred orders above may still be under way; what was parked would stay.
    await eventually(async () => expect(await stored()).toEqual([]), { within: 60_000 });
  });

  it('lies in a queue of its own: 30 s at most, bounded, and taken 32 at once', async () => {
    const connection = await connect(at.brokerUrl);
    try {
      const channel = await connection.createChannel();
      const queue = await channel.assertQueue('sanmon.orders.queries', {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          'x-message-ttl': 30_000,
          'x-max-length': 1_000,
          'x-max-length-bytes': 16_777_216,
          'x-overflow': 'reject-publish',
        },
      });
      expect(queue.consumerCount).toBe(1);
      // Whoever binds a queue of his own to all calls sees each once: the house sorts them and copies none.
      await channel.assertQueue('reply.seen', { exclusive: true });
      await channel.bindQueue('reply.seen', 'sanmon.commands', '#');
      await ask('orders.get', { id: order.id });
      await ask('orders.place', anOrder('no-such-sku'));
      await eventually(async () => expect((await channel.checkQueue('reply.seen')).messageCount).toBe(2));
    } finally {
      await connection.close();
    }
  });

  it('is answered while its queue is gone, and its queue comes back', async () => {
    const connection = await connect(at.brokerUrl);
    try {
      const channel = await connection.createChannel();
      await channel.deleteQueue('sanmon.orders.queries');
      expect((await ask('orders.get', { id: order.id })).result.id).toBe(order.id);
      // Asking for a queue that is not there closes the channel it is asked on.
      const consumed = async () => {
        const looking = await connection.createChannel();
        looking.on('error', () => undefined);
        expect((await looking.checkQueue('sanmon.orders.queries')).consumerCount).toBe(1);
        await looking.close();
      };
      await eventually(consumed, { within: 20_000 });
      await eventually(async () => expect((await at.house.rest.get('/readyz')).body.status).toBe('ok'), {
        within: 20_000,
      });
    } finally {
      await connection.close();
    }
  });
});

describe('the repair desk over RabbitMQ', () => {
  /** A command that is refused at the gate, as it lies on the desk. */
  async function parked(body: unknown = { sku: 'a b' }): Promise<Json> {
    expect((await ask('inventory.put-item', body)).failure).toBeDefined();
    const { result } = await ask('ops.inventory.list-messages', {
      module: 'inventory',
      state: 'PARKED',
      pageSize: 200,
    });
    return result.messages.at(-1);
  }
  const good = (name: string) => ({ sku: name, name, currency: 'JPY', unitPrice: 7 });

  it('lists and shows what REST shows', async () => {
    const message = await parked();
    expect(message).toMatchObject({
      module: 'inventory',
      type: 'inventory.put-item',
      state: 'PARKED',
      code: 'invalid',
    });
    for (const [operation, input] of [
      ['ops.list-messages', { module: 'inventory', state: 'PARKED' }],
      ['ops.get-message', { id: message.id }],
      ['ops.list-audit', {}],
    ] as const) {
      const [rest, amqp] = await Promise.all(
        (['rest', 'amqp'] as const).map((gate) => at.caller.call(gate, operation, input)),
      );
      expect([operation, amqp!.code]).toEqual([operation, 'ok']);
      expect(amqp!.result).toEqual(rest!.result);
    }
  });

  it('replaces, releases and discards, each written down with who did it, and once however often it is sent', async () => {
    const replaced = await parked();
    const act = { id: replaced.id, payload: good('replaced-over-amqp') };
    const first = await at.house.amqp!.ask('ops.inventory.replace-message', act, { messageId: `act-${replaced.id}` });
    expect(first.body.result).toMatchObject({ id: replaced.id, state: 'RETRYING' });
    await eventually(async () => expect((await at.house.rest.get('/v1/items/replaced-over-amqp')).status).toBe(200));
    const again = await at.house.amqp!.ask('ops.inventory.replace-message', act, { messageId: `act-${replaced.id}` });
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([first.body, 'true']);

    const [row] = await at.rows<{ id: string }>(
      `INSERT INTO inventory.inbox (lane, type, message_id, state, code, reason, principal, headers, raw)
       VALUES (-1, 'inventory.put-item', $1, 'parked', 'invalid', 'an older version', 'amqp:publisher', '{}', $2)
       RETURNING 'msg_' || message_id AS id`,
      [v7(), Buffer.from(JSON.stringify(good('released-over-amqp')))],
    );
    const { id } = row!;
    expect((await ask('ops.inventory.release-message', { id })).result).toMatchObject({ id, state: 'RETRYING' });
    await eventually(async () => expect((await at.house.rest.get('/v1/items/released-over-amqp')).status).toBe(200));

    const discarded = await parked();
    expect((await ask('ops.inventory.discard-message', { id: discarded.id })).failure.code).toBe('invalid');
    expect((await ask('ops.inventory.discard-message', { id: discarded.id, reason: 'no use' })).result.id).toBe(
      discarded.id,
    );
    expect((await ask('ops.inventory.get-message', { id: discarded.id })).failure.code).toBe('message-not-found');

    const acts = (await ask('ops.inventory.list-audit', { module: 'inventory', pageSize: 3 })).result.acts as Json[];
    expect(acts.map((a) => [a.act, a.messageId, a.by])).toEqual([
      ['DISCARD', discarded.id, 'key:shop'],
      ['RELEASE', id, 'key:shop'],
      ['REPLACE', replaced.id, 'key:shop'],
    ]);
  });

  it('releases many, and tells how far it is', async () => {
    await at.rows(
      `INSERT INTO inventory.inbox (lane, type, message_id, state, code, reason, principal, headers, raw)
       SELECT -1, 'inventory.put-item', gen_random_uuid(), 'parked', 'many', 'an older version', 'amqp:publisher', '{}',
              ('{"sku":"many-' || n || '","name":"N","currency":"JPY","unitPrice":1}')::bytea FROM generate_series(1, 5) n`,
    );
    const { result } = await ask('ops.inventory.release-messages', { filter: { module: 'inventory', code: 'many' } });
    expect(result.operation).toMatchObject({ state: expect.any(String), selected: 5, by: 'key:shop' });
    await eventually(async () => {
      const now = await ask('ops.inventory.get-operation', { id: result.operation.id });
      expect(now.result).toMatchObject({ state: 'DONE', released: 5, failed: 0 });
    });
    await eventually(async () => expect((await at.house.rest.get('/v1/items/many-5')).status).toBe(200));
  });

  it('is for the scope ops, and an act that it does not know is parked', async () => {
    const message = await parked();
    const refused = await at.caller.call(
      'amqp',
      'ops.discard-message',
      { id: message.id, reason: 'x' },
      { secret: 'a-reading-key' },
    );
    expect(refused.code).toBe('missing-scope');
    const open = await ask('ops.orders.list-messages', {}, { headers: { authorization: undefined } });
    expect(open.failure.code).toBe('missing-scope');
    expect((await ask('ops.inventory.burn', {})).failure.code).toBe('unknown-type');
    expect((await ask('ops.inventory.get-message', { id: message.id })).result.id).toBe(message.id);
  });

  it('discards the row that counts what was not kept, and neither releases nor replaces it', async () => {
    const id = v7();
    await at.rows(
      `INSERT INTO orders.inbox (lane, principal, attempts, reason, message_id, type, state, code, headers)
       VALUES (-1, 'amqp:flood', 7, 'Refused and not kept.', $1, 'orders.place', 'parked', 'too-many-refused', '{}')`,
      [id],
    );
    const message = `msg_${id}`;
    const release = await ask('ops.orders.release-message', { id: message });
    const replace = await ask('ops.orders.replace-message', { id: message, payload: anOrder(sku) });
    for (const { failure } of [release, replace])
      expect([failure.kind, failure.code]).toEqual(['conflict', 'not-repairable']);
    expect((await ask('ops.orders.discard-message', { id: message, reason: 'seen' })).result.id).toBe(message);
  });

  it('does not wait behind the commands that it is to repair', async () => {
    const message = await parked();
    const source = at.house.house.foundations.sources.get('database');
    const locker = source!.createQueryRunner();
    await locker.startTransaction();
    try {
      await locker.query('LOCK TABLE inventory.items IN ACCESS EXCLUSIVE MODE');
      await at.house.amqp!.publish('inventory.put-item', good('stuck'));
      const { result } = await ask('ops.inventory.discard-message', { id: message.id, reason: 'in the way' });
      expect(result.id).toBe(message.id);
      expect((await ask('ops.inventory.list-messages', { module: 'inventory' })).result).toHaveProperty('messages');
    } finally {
      await locker.rollbackTransaction();
      await locker.release();
    }
    await eventually(async () => expect((await at.house.rest.get('/v1/items/stuck')).status).toBe(200), {
      within: 20_000,
    });
  });
});

describe('a message-id', () => {
  const place = (messageId: string, more: object = {}) =>
    at.house.amqp!.ask('orders.place', anOrder(sku, more), { messageId });

  it('is answered again with the same command, and parked with another body or for another operation', async () => {
    const messageId = `letter-${randomUUID()}`;
    const first = await place(messageId);
    const again = await place(messageId);
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([first.body, 'true']);
    const { id } = first.body.result;
    const body = await place(messageId, { note: 'another' });
    const operation = await at.house.amqp!.ask('orders.cancel', { id }, { messageId });
    for (const { failure } of [body.body, operation.body])
      expect([failure.kind, failure.code]).toEqual(['invalid', 'idempotency-key-reused']);
    await orderIn(at.house, id, 'CONFIRMED');
    const rows = await at.rows<Json>(
      `SELECT type, state, code, headers FROM orders.inbox WHERE code = 'idempotency-key-reused' ORDER BY seq`,
    );
    expect(rows.map(({ type, state }) => [type, state])).toEqual([
      ['orders.place', 'parked'],
      ['orders.cancel', 'parked'],
    ]);
    for (const { headers } of rows) expect(headers).not.toMatch(/authorization|a-key-of-the-tests/);
  });

  it('parks one of two operations that come under it at the same moment', async () => {
    const { id } = await placeThrough('rest', at.house, anOrder(sku));
    await orderIn(at.house, id, 'CONFIRMED');
    for (let n = 0; n < 5; n++) {
      const messageId = `twins-${randomUUID()}`;
      const replies = await Promise.all([
        place(messageId, { note: `${n}` }),
        at.house.amqp!.ask('orders.cancel', { id: `ord_${v7()}` }, { messageId }),
      ]);
      expect(replies.filter(({ body }) => body.failure?.code === 'idempotency-key-reused')).toHaveLength(1);
    }
  });

  it('binds nobody else, nor the idempotency-key of another gate: that is for one operation', async () => {
    const key = `shared-${randomUUID()}`;
    const placed = await placeThrough('rest', at.house, anOrder(sku), key);
    const stranger = await at.house.amqp!.ask('orders.place', anOrder(sku), {
      messageId: key,
      headers: { authorization: undefined },
    });
    expect(stranger.body.result.id).not.toBe(placed.id);
    const same = await place(key);
    expect([same.body.result.id, same.headers['idempotent-replayed']]).toEqual([placed.id, 'true']);
    const cancelled = await at.house.amqp!.ask(
      'orders.cancel',
      { id: placed.id },
      { headers: { ...bearer, 'idempotency-key': key } },
    );
    expect(cancelled.body.result).toMatchObject({ id: placed.id });
  });
});
