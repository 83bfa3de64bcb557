import { connect } from 'amqplib';
import { v7 } from 'uuid';
import { Failure } from '../../src/failure.js';
import type { Asked } from '../../src/gates/asked.js';
import { operationOf } from '../../src/gates/operation.js';
import { Desks } from '../../src/ops/desks.js';
import { DiscardMessage } from '../../src/ops/discard-message.js';
import { messageClasses, messageOf } from '../../src/messaging/contract.js';
import type { Handle } from '../../src/messaging/handlers.js';
import { validated } from '../../src/gates/validate.js';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { aHouse, API_KEYS, type TestHouse } from '../support/house.js';
import { RestClient } from '../support/rest-client.js';
import { anOrder, type Json, mailsOf, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const OPERATOR = 'an-operating-key';
const KEYS = `${API_KEYS};operator:${OPERATOR}:ops`;
const at = useHouse({ API_KEYS: KEYS });

// What is published before the queues are there reaches nobody.
beforeAll(async () => {
  for (const queue of ['sanmon.inventory', 'sanmon.orders']) await eventually(() => consumed(queue));
});

async function consumed(queue: string): Promise<void> {
  const connection = await connect(at.brokerUrl);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    expect((await channel.checkQueue(queue)).consumerCount).toBe(1);
  } finally {
    await connection.close();
  }
}

const rest = (): RestClient => at.house.rest;
const list = async (query: string): Promise<Json[]> => (await rest().get(`/v1/ops/messages?${query}`)).body.messages;
const act = (id: string, what: string, body?: object, headers?: Record<string, string>) =>
  rest().post(`/v1/ops/messages/${id}/${what}`, body, headers);

/** Publishes a command that is refused at the gate, and answers how it lies on the desk. */
async function parked(routingKey: string, body: unknown, properties: object = {}): Promise<Json> {
  const reason = await at.house.amqp!.ask(routingKey, body, properties);
  expect(reason.body.failure).toBeDefined();
  const [module] = routingKey.split('.');
  const all = await list(`state=PARKED&module=${module}&pageSize=200`);
  return all.at(-1);
}

describe('a command from outside that was refused at the gate', () => {
  it('is shown with its body, its reason and who sent it, the same over REST and gRPC', async () => {
    const message = await parked('inventory.put-item', { sku: 'a b', name: 'Tea', currency: 'JPY', unitPrice: 1 });
    const body = { sku: 'a b', name: 'Tea', currency: 'JPY', unitPrice: 1 };
    expect(message).toMatchObject({
      module: 'inventory',
      type: 'inventory.put-item',
      state: 'PARKED',
      code: 'invalid',
    });
    expect(message).toMatchObject({ payload: body, principal: 'key:shop', headers: { replyTo: expect.any(String) } });
    expect(Buffer.from(message.rawBase64, 'base64').toString()).toBe(JSON.stringify(body));
    expect(message).not.toHaveProperty('key');
    const overRest = await at.caller.call('rest', 'ops.get-message', { id: message.id });
    const overGrpc = await at.caller.call('grpc', 'ops.get-message', { id: message.id });
    expect(overRest.result).toEqual(message);
    expect(overGrpc.result).toStrictEqual(overRest.result);
    const pages = await Promise.all(
      (['rest', 'grpc'] as const).map((gate) => at.caller.call(gate, 'ops.list-messages', { module: 'inventory' })),
    );
    expect(pages[1]!.result).toStrictEqual(pages[0]!.result);
  });

  it('is not released while it is still wrong, and says so; replaced by what is right it is done, under its own id', async () => {
    const sku = await stocked(at.house, 5);
    const wrong = { ...anOrder(sku), email: 'nobody' };
    const message = await parked('orders.place', wrong, { messageId: `letter-${v7()}` });
    const release = await act(message.id, 'release');
    expect([release.status, release.body.code]).toEqual([409, 'needs-replacement']);
    expect(release.body.detail).toMatch(/email.*Use replacement/);
    const bad = await act(message.id, 'replacement', { payload: { ...anOrder(sku), colour: 'red' } });
    expect([bad.status, bad.body.code, bad.body.fields ?? bad.body.errors]).toMatchObject([400, 'invalid', [{}]]);
    expect(bad.body.detail).toContain('payload.colour');
    const good = await act(message.id, 'replacement', { payload: anOrder(sku) });
    expect([good.status, good.body.state, good.body.id]).toEqual([202, 'RETRYING', message.id]);
    // What a command creates bears the id of its message: the order is this message's and nobody else's.
    await orderIn(at.house, message.id.replace('msg_', 'ord_'), 'CONFIRMED');
    expect((await rest().get(`/v1/ops/messages/${message.id}`)).status).toBe(404);
    const { acts } = (await rest().get(`/v1/ops/audit?messageId=${message.id}`)).body;
    expect(acts).toMatchObject([{ act: 'REPLACE', original: { payload: wrong, code: 'invalid' } }]);
  });

  it('is released as it is when it is right by now, and done once however often that is asked', async () => {
    const id = v7();
    const body = { sku: 'late', name: 'Late', currency: 'JPY', unitPrice: 7 };
    await at.rows(
      `INSERT INTO inventory.inbox (lane, type, message_id, state, code, reason, principal, headers, raw)
       VALUES (-1, 'inventory.put-item', $1, 'parked', 'invalid', 'an older version', 'amqp:publisher', '{}', $2)`,
      [id, Buffer.from(JSON.stringify(body))],
    );
    const key = v7();
    const first = await act(`msg_${id}`, 'release', undefined, { 'idempotency-key': key });
    expect(first.status).toBe(202);
    await eventually(async () =>
      expect((await rest().get('/v1/items/late')).body).toMatchObject({ unitPrice: 7, version: 1 }),
    );
    await eventually(async () => expect((await rest().get(`/v1/ops/messages/msg_${id}`)).status).toBe(404));
    const again = await act(`msg_${id}`, 'release', undefined, { 'idempotency-key': key });
    expect([again.status, again.headers.get('idempotent-replayed'), again.text]).toEqual([202, 'true', first.text]);
    expect((await act(`msg_${id}`, 'release')).body.code).toBe('message-not-found');
    expect((await rest().get('/v1/items/late')).body.version).toBe(1);
  });

  it('is neither released nor replaced later than its key is remembered, one by one or among many; it is discarded', async () => {
    const put = (sku: string) => JSON.stringify({ sku, name: 'Old', currency: 'JPY', unitPrice: 7 });
    const [young, old] = [v7(), v7()];
    await at.rows(
      `INSERT INTO inventory.inbox (lane, type, message_id, state, code, reason, principal, headers, raw, at)
       SELECT -1, 'inventory.put-item', i, 'parked', 'aged', 'an older version', 'amqp:publisher', '{}', b, now() - a * interval '1 hour'
         FROM unnest($1::uuid[], $2::bytea[], $3::int[]) u(i, b, a)`,
      [
        [young, old],
        [Buffer.from(put('young')), Buffer.from(put('old'))],
        // RELEASE_WITHIN_DAYS is 30.
        [30 * 24 - 1, 30 * 24 + 1],
      ],
    );
    for (const [what, body] of [['release'], ['replacement', { payload: JSON.parse(put('old')) as object }]] as const) {
      const refused = await act(`msg_${old}`, what, body);
      expect([refused.status, refused.body.code]).toEqual([409, 'too-old-to-release']);
    }
    const { body } = await rest().post('/v1/ops/messages/release', { filter: { module: 'inventory', code: 'aged' } });
    await eventually(async () =>
      expect((await rest().get(`/v1/ops/operations/${body.operation.id}`)).body).toMatchObject({
        ...{ state: 'DONE', selected: 2, released: 1, failed: 1 },
      }),
    );
    await eventually(async () => expect((await rest().get('/v1/items/young')).status).toBe(200));
    expect((await rest().get('/v1/items/old')).status).toBe(404);
    expect((await act(`msg_${old}`, 'discard', { reason: 'sent again by its sender' })).status).toBe(200);
  });

  it('between modules is released at any age: it was never handled, and stands where its place was kept', async () => {
    const id = v7();
    await at.rows(
      `INSERT INTO inventory.inbox (lane, key, type, message_id, body, state, code, reason, at)
       VALUES (3, 'long-ago', 'inventory.of-an-older-version', $1, '{}', 'parked', 'internal', 'a bug', now() - interval '400 days')`,
      [id],
    );
    expect((await act(`msg_${id}`, 'release')).status).toBe(202);
    // It was tried again, and this version knows better why it fails.
    await eventually(async () =>
      expect((await rest().get(`/v1/ops/messages/msg_${id}`)).body).toMatchObject({
        state: 'PARKED',
        code: 'unknown-type',
      }),
    );
    expect((await act(`msg_${id}`, 'discard', { reason: 'nobody needs it' })).status).toBe(200);
  });

  it('does not pass with the scope ops alone when its sender was not allowed it', async () => {
    const body = { sku: 'forbidden', name: 'F', currency: 'JPY', unitPrice: 7 };
    const message = await parked('inventory.put-item', body, { headers: { authorization: 'Bearer a-reading-key' } });
    expect(message).toMatchObject({ code: 'missing-scope', principal: 'key:reader' });
    const operator = new RestClient(rest().origin, OPERATOR);
    for (const [what, given] of [['release'], ['replacement', { payload: body }]] as const) {
      const { status, body: said } = await operator.post(`/v1/ops/messages/${message.id}/${what}`, given);
      expect([status, said.code]).toEqual([403, 'missing-scope']);
    }
    expect((await act(message.id, 'release')).status).toBe(202);
    await eventually(async () => expect((await rest().get('/v1/items/forbidden')).status).toBe(200));
  });

  it('is only discarded when nobody knows its type, and is not released when only its beginning was kept', async () => {
    const unknown = await parked('inventory.burn-down', {});
    for (const [what, given] of [['release'], ['replacement', { payload: {} }]] as const)
      expect((await act(unknown.id, what, given)).body.code).toBe('not-repairable');
    const large = await parked('inventory.put-item', `{"name":"${'x'.repeat(1_100_000)}"}`);
    expect(large).toMatchObject({ code: 'body-too-large' });
    expect(large).not.toHaveProperty('rawBase64');
    const whole = await rest().get(`/v1/ops/messages/${large.id}`);
    expect(Buffer.from(whole.body.rawBase64, 'base64')).toHaveLength(64 * 1024);
    expect((await act(large.id, 'release')).body.code).toBe('needs-replacement');
    for (const { id } of [unknown, large]) expect((await act(id, 'discard', { reason: 'no use' })).status).toBe(200);
    for (const { id } of [unknown, large]) expect((await rest().get(`/v1/ops/messages/${id}`)).status).toBe(404);
  });
});

describe('a message that had its answer, or waits in its order', () => {
  it('cannot be released, replaced or, if it was answered, discarded', async () => {
    const unknown = `ord_${v7()}`;
    await at.house.amqp!.ask('orders.cancel', { id: unknown });
    const refused = (await list('state=REFUSED&module=orders')).find((m) => m.payload.id === unknown);
    expect(refused).toMatchObject({ code: 'order-not-found', state: 'REFUSED' });
    for (const [what, given] of [['release'], ['replacement', { payload: {} }], ['discard', { reason: 'x' }]] as const)
      expect([what, (await act(refused.id, what, given)).body.code]).toEqual([what, 'already-answered']);
  });

  it('is discarded once when two operators do it at the same moment', async () => {
    const message = await parked('inventory.put-item', {});
    const answers = await Promise.all([1, 2, 3].map(() => act(message.id, 'discard', { reason: 'twice' })));
    expect(answers.map((a) => a.status).sort()).toEqual([200, expect.any(Number), expect.any(Number)]);
    expect(answers.filter((a) => a.status === 200)).toHaveLength(1);
    expect((await rest().get(`/v1/ops/audit?messageId=${message.id}`)).body.acts).toHaveLength(1);
  });
});

it('repairs each message once in a set, whatever else is asked of it there', async () => {
  const [first, second] = [await parked('inventory.put-item', {}), await parked('inventory.put-item', {})];
  const [desk] = at.house.house.app.get(Desks, { strict: false }).of('inventory');
  const asked = (id: string, reason: string): Asked<DiscardMessage> => ({
    id: v7(),
    operation: operationOf(DiscardMessage),
    command: { id, reason },
    by: { name: 'key:shop', scopes: new Set(['ops']) },
  });
  const set = [asked(first.id, 'one'), asked(first.id, 'two'), asked(second.id, 'three'), asked(`msg_${v7()}`, 'four')];
  const outcomes = await Promise.all(set.map((one) => desk!.gatherer.gather(desk!.discardMessage, one)));
  expect(outcomes.map(({ outcome }) => (outcome instanceof Failure ? outcome.code : outcome.id))).toEqual([
    first.id,
    'message-in-repair',
    second.id,
    'message-not-found',
  ]);
  const { acts } = (await rest().get(`/v1/ops/audit?messageId=${first.id}`)).body;
  expect(acts.map((a: Json) => a.reason)).toEqual(['one']);
});

describe('lists', () => {
  it('go page by page over all modules, each message once, and narrow by what is asked', async () => {
    for (let i = 0; i < 3; i++) await parked('orders.cancel', { colour: i });
    const all = await list('state=PARKED&pageSize=200');
    const seen: string[] = [];
    let token = '';
    do {
      const { body } = await rest().get(`/v1/ops/messages?state=PARKED&pageSize=2&pageToken=${token}`);
      seen.push(...body.messages.map((m: Json) => m.id));
      token = body.nextPageToken;
    } while (token);
    expect(seen).toEqual(all.map((m) => m.id));
    expect(new Set(seen).size).toBe(seen.length);
    expect((await list('type=orders.cancel&state=PARKED')).every((m) => m.type === 'orders.cancel')).toBe(true);
    expect(await list('key=nothing-has-this-key')).toEqual([]);
    const acts = (await rest().get('/v1/ops/audit?pageSize=2')).body;
    const next = (await rest().get(`/v1/ops/audit?pageSize=2&pageToken=${acts.nextPageToken}`)).body;
    const ids = [...acts.acts, ...next.acts].map((a: Json) => a.id);
    expect(ids).toEqual([...ids].sort().reverse());
    const made = Buffer.from(JSON.stringify(['x', "'; DROP"])).toString('base64url');
    expect((await rest().get(`/v1/ops/messages?pageToken=${made}`)).body.code).toBe('invalid-page-token');
  });

  it('say what is no id, no state and no module', async () => {
    expect((await rest().get('/v1/ops/messages/ord_1')).body.code).toBe('message-not-found');
    expect((await rest().get('/v1/ops/operations/opn_1')).body.code).toBe('operation-not-found');
    expect((await rest().get('/v1/ops/messages?state=LOST')).status).toBe(400);
    expect((await rest().get('/v1/ops/messages?module=kitchen')).status).toBe(400);
  });
});

it('says elsewhere for a module that lives in another process', async () => {
  const databaseUrl = await cloneDatabase();
  const alone = await aHouse({ DATABASE_URL: databaseUrl, RABBITMQ_URL: await takeVhost(), MODULES: 'notifications' });
  try {
    const { status, body } = await alone.rest.get('/v1/ops/messages?module=orders');
    expect([status, body.code]).toEqual([421, 'elsewhere']);
    const many = await alone.rest.post('/v1/ops/messages/release', { filter: { module: 'orders' } });
    expect([many.status, many.body.code]).toEqual([421, 'elsewhere']);
    expect((await alone.rest.get('/v1/ops/messages')).body).toEqual({ messages: [] });
  } finally {
    await alone.close();
    await dropClone(databaseUrl);
  }
});

describe('a release of many messages', () => {
  const GOOD = 120;
  const BAD = 5;

  it('goes on after a restart, 50 a second, with counters and an act for each', async () => {
    const environment = { DATABASE_URL: await cloneDatabase(), RABBITMQ_URL: await takeVhost() };
    let house = await aHouse(environment);
    try {
      const source = house.house.foundations.sources.get('database')!;
      await source.query(
        `INSERT INTO inventory.inbox (lane, type, message_id, state, code, reason, principal, headers, raw)
         SELECT -1, 'inventory.put-item', gen_random_uuid(), 'parked', 'invalid', 'an older version', 'amqp:publisher', '{}',
                CASE WHEN n % 25 = 0 THEN 'no json' ELSE '{"sku":"bulk-' || n || '","name":"N","currency":"JPY","unitPrice":1}' END::text::bytea
           FROM generate_series(1, $1::int) n`,
        [GOOD + BAD],
      );
      const { status, body, headers } = await house.rest.post('/v1/ops/messages/release', {
        filter: { type: 'inventory.put-item' },
      });
      const began = Date.now();
      expect([status, body.operation.state, body.operation.by]).toEqual([202, 'RUNNING', 'key:shop']);
      const path = headers.get('location')!;
      expect(path).toBe(`/v1/ops/operations/${body.operation.id}`);
      await eventually(async () => expect((await house.rest.get(path)).body.released).toBeGreaterThan(0));
      await house.close();
      house = await aHouse(environment);
      const done = await eventually(
        async () => {
          const { body: operation } = await house.rest.get(path);
          expect(operation.state).toBe('DONE');
          return operation;
        },
        { within: 30_000 },
      );
      expect(done).toMatchObject({ selected: GOOD + BAD, released: GOOD, failed: BAD, doneAt: expect.any(String) });
      expect(Date.now() - began).toBeGreaterThan(2_000 - 50);
      await eventually(
        async () => {
          const [{ n }] = await house.house.foundations.sources
            .get('database')!
            .query(`SELECT count(*)::int AS n FROM inventory.items WHERE sku LIKE 'bulk-%' AND version = 1`);
          expect(n).toBe(GOOD);
        },
        { within: 30_000 },
      );
      const { messages } = (await house.rest.get('/v1/ops/messages?pageSize=200')).body;
      expect(messages).toHaveLength(BAD);
      const { acts } = (await house.rest.get('/v1/ops/audit?pageSize=200')).body;
      expect(acts.filter((a: Json) => a.act === 'RELEASE' && a.operationId === done.id)).toHaveLength(GOOD);
      expect(acts.filter((a: Json) => a.act === 'RELEASE_MANY')).toMatchObject([{ operationId: done.id }]);
    } finally {
      await house.close();
      await dropClone(environment.DATABASE_URL);
    }
  });
});

it('judges replacements by rules that let everything pass which the modules really send', async () => {
  const { handlers } = at.house.house.foundations.traffic;
  const known = new Map([...messageClasses()].map(([type, traits]) => [traits.type, type]));
  const seen = new Set<string>();
  const wrong: string[] = [];
  const wrappers = new Map<Handle, Handle>();
  const found = handlers.of.bind(handlers);
  handlers.of = (module, type) => {
    const handle = found(module, type);
    if (!handle || !known.has(type)) return handle;
    const looking: Handle = (messages, reception) => {
      for (const m of messages) {
        seen.add(m.type);
        try {
          validated(known.get(m.type)!, m.body);
        } catch (error) {
          wrong.push(`${m.type}: ${(error as Error).message}`);
        }
      }
      return handle(messages, reception);
    };
    if (!wrappers.has(handle)) wrappers.set(handle, looking);
    return wrappers.get(handle);
  };
  const sku = await stocked(at.house, 10);
  const house: TestHouse = at.house;
  const none = await stocked(house, 0);
  // The largest that the gates let in, so that rules which drift apart are seen.
  const notes = { note: `二\n${'つ'.repeat(1_998)}`, locale: 'ja', customerId: 'c'.repeat(128) };
  const orders = [
    anOrder(sku, notes),
    anOrder(sku, { paymentMethod: 'pm_declined' }),
    anOrder(none),
    anOrder(sku, { paymentMethod: 'pm_capture_fails' }),
  ];
  const placed = await Promise.all(orders.map((order) => placeThrough('rest', house, order)));
  for (const { id } of placed) await orderIn(house, id, 'CONFIRMED', 'REJECTED');
  await rest().post(`/v1/orders/${placed[0].id}/cancellation`);
  await orderIn(house, placed[0].id, 'CANCELLED');
  await eventually(async () => expect(await mailsOf(house, placed[0].id)).toHaveLength(2));
  handlers.of = found;
  expect(wrong).toEqual([]);
  const inside = [...messageClasses().values()].filter(
    (t) => t.heard && !/stalled|refund-settled|payment-failed/.test(t.type),
  );
  expect([...seen].sort()).toEqual(
    inside
      .map((t) => t.type)
      .filter((t) => !/^beta/.test(t))
      .sort(),
  );
  expect(messageOf(known.get('inventory.reserve')!).key).toBe('orderId');
});
