import { Ajv2020 } from 'ajv/dist/2020.js';
import { type ChannelModel, connect, type ConsumeMessage } from 'amqplib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROTO_DIRECTORY, protoFiles } from '../../src/gates/grpc/schema.js';
import { surface } from '../../src/documents/generator/surface.js';
import { eventually } from '../support/eventually.js';
import { API_KEYS } from '../support/house.js';
import { anOrder, type Json, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const at = useHouse({ API_KEYS });
const committed = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../docs/contracts', name), 'utf8');

/** Fetches as a browser does, without any credential. */
const open = async (path: string) => {
  const response = await fetch(at.house.rest.origin + path, { headers: { accept: 'text/html, */*;q=0.8' } });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    headers: response.headers,
    text: await response.text(),
  };
};

it.each(['openapi.json', 'asyncapi.json'])('serves /%s as it is committed, to everybody', async (name) => {
  const { status, type, text } = await open(`/${name}`);
  expect({ status, type }).toEqual({ status: 200, type: 'application/json; charset=utf-8' });
  expect(text).toBe(committed(name));
});

it.each(['/docs', '/docs/events', '/docs/errors', '/proto'])(
  'shows %s without loading anything from elsewhere',
  async (path) => {
    const { status, type, headers, text } = await open(path);
    expect({ status, type }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    const loaded = [...text.matchAll(/<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"/g)].map(([, url]) => url!);
    for (const url of loaded) expect({ url, status: (await open(url)).status }).toEqual({ url, status: 200 });
    expect(loaded.filter((url) => !url.startsWith('/docs/assets/'))).toEqual([]);
    // Whatever the page's own programs try, the browser is told to stay here.
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;/,
    );
  },
);

it('lets every link of its pages lead somewhere', async () => {
  for (const page of ['/docs/events', '/docs/errors', '/proto']) {
    const { text } = await open(page);
    for (const [, link] of text.matchAll(/<a href="([^"]+)"/g)) {
      const [path, anchor] = link!.split('#');
      const target = path ? await open(path) : { status: 200, text };
      expect({ link, status: target.status }).toEqual({ link, status: 200 });
      if (anchor) expect(target.text).toContain(`id="${anchor}"`);
    }
  }
});

it('gives the .proto files byte for byte, and nothing else of the disk', async () => {
  for (const file of protoFiles()) {
    const { status, type, text } = await open(`/proto/${file}`);
    expect({ status, type }).toEqual({ status: 200, type: 'text/plain; charset=utf-8' });
    expect(text).toBe(readFileSync(join(PROTO_DIRECTORY, file), 'utf8'));
  }
  for (const path of [
    '/proto/sanmon/none.proto',
    '/proto/..%2fpackage.json',
    '/proto/%2e%2e/package.json',
    '/docs/assets/x',
  ])
    expect((await open(path)).status).toBe(404);
});

it('answers what is no page as the problem it is', async () => {
  const response = await fetch(`${at.house.rest.origin}/docs`, { headers: { accept: 'application/json' } });
  expect([response.status, ((await response.json()) as Json).code]).toEqual([406, 'not-acceptable']);
});

/** Compares answers with what the documents say of them. */
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const openapi: Json = JSON.parse(committed('openapi.json'));
const asyncapi: Json = JSON.parse(committed('asyncapi.json'));
ajv.addSchema(openapi, 'openapi').addSchema(asyncapi, 'asyncapi');

/** What is wrong with a value by the schema at this place of a document; empty when it fits. */
function flaws(document: string, place: string[], value: unknown): string {
  const pointer = place
    .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
    .map(encodeURIComponent)
    .join('/');
  const judge = ajv.getSchema(`${document}#/${pointer}`)!;
  return judge(value) ? '' : ajv.errorsText(judge.errors);
}

/** Calls an operation over REST and judges the answer by the document: its status, its body, and a refusal's code. */
async function told(
  operation: string,
  input: object,
  how: { secret?: string | null; key?: string } = {},
): Promise<Json> {
  const said = await at.caller.call('rest', operation, input, how);
  const { method, path } = surface().find(({ traits }) => traits.name === operation)!.rest[0]!;
  const place = ['paths', path.replace(/:(\w+)/g, '{$1}'), method.toLowerCase(), 'responses', said.status];
  const type = said.code === 'ok' ? 'application/json' : 'application/problem+json';
  const content = place.reduce((found, part) => found?.[part], openapi)?.content?.[type];
  expect({ operation, status: said.status, described: content !== undefined }).toMatchObject({ described: true });
  if (said.code !== 'ok') expect(Object.keys(content.examples)).toContain(said.code);
  const body = JSON.parse(said.raw);
  expect({ operation, flaws: flaws('openapi', [...place, 'content', type, 'schema'], body) }).toEqual({
    operation,
    flaws: '',
  });
  return body;
}

it('answers as OpenAPI says, operation by operation', async () => {
  const sku = await stocked(at.house, 10);
  const { id } = await told('orders.place', anOrder(sku, { note: 'n' }), { key: 'documented' });
  await orderIn(at.house, id, 'CONFIRMED');
  await told('orders.get', { id });
  await told('orders.list', { pageSize: 1 });
  await told('orders.timeline', { id });
  await told('inventory.put-item', { sku, name: 'N', currency: 'JPY', unitPrice: 1 });
  await told('inventory.receive-stock', { sku, quantity: 1 });
  await told('inventory.get-item', { sku });
  await told('inventory.list-items', {});
  const { payments } = await told('payments.list', { orderId: id });
  await told('payments.get', { id: payments[0].id });
  await told('payments.refund', { id: payments[0].id, amount: 1 });
  await eventually(async () =>
    expect((await told('notifications.list', { orderId: id })).notifications).toHaveLength(1),
  );
  await told('orders.cancel', { id });
});

it('refuses as OpenAPI says, and each problem leads to its entry in the catalogue', async () => {
  const sku = await stocked(at.house, 1);
  const problems = [
    await told('orders.place', { ...anOrder(sku), lines: [{ sku, quantity: 0 }] }),
    await told('orders.place', anOrder('not-there')),
    await told('orders.place', anOrder(sku), { secret: null }),
    await told('orders.place', anOrder(sku), { secret: 'a-reading-key' }),
    await told('orders.get', { id: 'ord_none' }),
    await told('orders.list', { pageToken: 'made-up' }),
    await told('ops.get-message', { id: 'msg_none' }),
  ];
  await told('orders.place', anOrder(sku), { key: 'twice' });
  problems.push(await told('orders.place', anOrder(sku, { note: 'other' }), { key: 'twice' }));
  expect(problems.map(({ code }) => code)).toEqual([
    'invalid',
    'unknown-sku',
    'unauthenticated',
    'missing-scope',
    'order-not-found',
    'invalid-page-token',
    'message-not-found',
    'idempotency-key-reused',
  ]);
  expect(problems[0].errors).toEqual([
    { field: 'lines[0].quantity', message: 'must be a whole number from 1 to 10000', pointer: '#/lines/0/quantity' },
  ]);
  for (const { type } of problems) {
    const [path, anchor] = type.split('#');
    expect((await open(path)).text).toContain(`id="${anchor}"`);
  }
});

it('publishes events and answers commands as AsyncAPI says', async () => {
  const connection: ChannelModel = await connect(at.brokerUrl);
  try {
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'sanmon.events', '#');
    const heard: ConsumeMessage[] = [];
    await channel.consume(queue, (message) => void heard.push(message!), { noAck: true });
    const sku = await stocked(at.house, 5);
    const replied = await at.house.amqp!.ask('orders.place', anOrder(sku));
    const refused = await at.house.amqp!.ask('orders.place', anOrder('not-there'));
    for (const { body } of [replied, refused])
      expect(flaws('asyncapi', ['components', 'messages', 'orders.place.reply', 'payload'], body)).toBe('');
    expect(refused.body.failure.code).toBe('unknown-sku');
    await orderIn(at.house, replied.body.result.id, 'CONFIRMED');
    const { id } = await placeThrough('rest', at.house, anOrder(sku, { paymentMethod: 'pm_declined' }));
    await orderIn(at.house, id, 'REJECTED');
    const last = ['orders.order-confirmed.v1', 'inventory.stock-sold.v1', 'orders.order-rejected.v1'];
    await eventually(() => expect(heard.map(({ fields }) => fields.routingKey)).toEqual(expect.arrayContaining(last)));
    for (const { fields, content, properties } of heard) {
      const place = ['components', 'messages', fields.routingKey];
      expect(flaws('asyncapi', [...place, 'payload'], JSON.parse(content.toString()))).toBe('');
      expect(flaws('asyncapi', [...place, 'headers'], properties.headers)).toBe('');
    }
  } finally {
    await connection.close();
  }
});
