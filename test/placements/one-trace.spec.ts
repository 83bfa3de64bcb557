import { randomBytes } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import type { TestHouse } from '../support/house.js';
import { LiveClient } from '../support/live-client.js';
import { anOrder, type Gate, orderIn, stocked } from '../support/shop.js';
import { type CollectedSpan, SpanCollector } from '../support/span-collector.js';
import { SpreadHouse } from '../support/spread-house.js';

const database = useDatabase();
const vhost = useVhost();
let collector: SpanCollector;
let spread: SpreadHouse;
let house: TestHouse;
let sku: string;

beforeAll(async () => {
  collector = await SpanCollector.listen();
  spread = await SpreadHouse.open('orders,notifications|payments,inventory', {
    ...{ DATABASE_URL: database.url, RABBITMQ_URL: vhost.url },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'a-house' },
  });
  house = spread as unknown as TestHouse;
  sku = await stocked(house, 100);
}, 120_000);
afterAll(async () => {
  await spread?.close();
  collector?.close();
});

/** What led to the mail, from its end to its beginning. */
const TO_THE_MAIL = [
  'email',
  ...['handle orders.order-confirmed.v1', 'send orders.order-confirmed.v1'],
  ...['handle payments.payment-captured.v1', 'send payments.payment-captured.v1', 'payment-capture'],
  ...['handle payments.capture', 'send payments.capture'],
  ...['handle inventory.stock-reserved.v1', 'send inventory.stock-reserved.v1'],
  ...['handle inventory.reserve', 'send inventory.reserve'],
  ...['handle payments.payment-authorised.v1', 'send payments.payment-authorised.v1', 'payment-authorise'],
  ...['handle payments.authorise', 'send payments.authorise'],
  'orders.place',
];
const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5];

async function place(gate: Gate, traceparent?: string): Promise<string> {
  const { rest, grpc, amqp } = house;
  const [input, headers] = [anOrder(sku), (traceparent ? { traceparent } : {}) as Record<string, string>];
  if (gate === 'rest') return (await rest.post('/v1/orders', input, headers)).body.id as string;
  if (gate === 'grpc') return (await grpc.call('orders.PlaceOrder', input, headers)).body.id as string;
  return (await amqp!.ask('orders.place', input, { headers })).body.result.id as string;
}

/** The spans of a trace, once those of both processes are here, from its beginning to the mail and to the stream. */
const spansOf = (trace: string): Promise<CollectedSpan[]> =>
  eventually(
    () => {
      const spans = collector.of(trace);
      expect(upFrom('email', spans).map(({ name }) => name)).toEqual(TO_THE_MAIL);
      expect(spans.map(({ name }) => name)).toContain('tell order-confirmed');
      return spans;
    },
    { within: 20_000, every: 100 },
  );

/** From one span up to where its trace begins. */
function upFrom(name: string, spans: CollectedSpan[]): CollectedSpan[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const way: CollectedSpan[] = [];
  for (let one = spans.find((span) => span.name === name); one; one = byId.get(one.parentSpanId ?? '')) way.push(one);
  return way;
}

describe.each<Gate>(['rest', 'grpc', 'amqp'])('an order over %s', (gate) => {
  it('is one trace over two processes, from its call to the mail and to whoever follows it', async () => {
    const caller = { trace: randomBytes(16).toString('hex'), span: randomBytes(8).toString('hex') };
    const id = await place(gate, `00-${caller.trace}-${caller.span}-01`);
    const { rest, grpc } = house;
    const stream = LiveClient.follow('sse', { origin: rest.originOf('/v1/orders'), grpc }, id);
    await orderIn(house, id, 'CONFIRMED');
    const spans = await spansOf(caller.trace);
    stream.close();

    const mail = upFrom('email', spans);
    expect(mail.at(-1)).toMatchObject({ kind: SERVER, parentSpanId: caller.span });
    const kinds = { handle: CONSUMER, send: PRODUCER, email: CLIENT, payment: CLIENT, orders: SERVER };
    for (const { name, kind } of mail) expect([name, kind]).toEqual([name, kinds[/^\w+/.exec(name)![0] as 'handle']]);
    // What caused something had begun before it; the clocks of one machine agree to a millisecond or two.
    for (const [i, span] of mail.slice(0, -1).entries())
      expect(BigInt(span.startTimeUnixNano) + 5_000_000n).toBeGreaterThanOrEqual(
        BigInt(mail[i + 1]!.startTimeUnixNano),
      );
    expect(upFrom('tell order-confirmed', spans).map(({ name }) => name)).toEqual([
      'tell order-confirmed',
      ...TO_THE_MAIL.slice(3),
    ]);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    const known = new Set([caller.span, ...spans.map(({ spanId }) => spanId)]);
    expect(spans.filter(({ parentSpanId }) => !known.has(parentSpanId ?? ''))).toEqual([]);
    expect(collector.services).toEqual(new Set(['a-house of orders,notifications', 'a-house of payments,inventory']));
  });
});

it('an order that brings no trace begins one, which bears the id of the order', async () => {
  const id = await place('rest');
  const stream = LiveClient.follow('sse', { origin: house.rest.originOf('/v1/orders'), grpc: house.grpc }, id);
  const spans = await spansOf(id.slice(4).replaceAll('-', ''));
  stream.close();
  expect(spans.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name)).toEqual(['orders.place']);
});

it('a caller who does not want its trace kept has none, and its orders go to their end all the same', async () => {
  const trace = randomBytes(16).toString('hex');
  await orderIn(house, await place('rest', `00-${trace}-${'1'.repeat(16)}-00`), 'CONFIRMED');
  // Another one afterwards, so that what there was has been sent.
  const another = (await place('rest')).slice(4).replaceAll('-', '');
  await eventually(() => expect(collector.of(another).map(({ name }) => name)).toContain('email'), { within: 20_000 });
  expect(collector.of(trace)).toEqual([]);
});

it('the question for prices is in the trace of the order, and inventory answers within it', async () => {
  const trace = randomBytes(16).toString('hex');
  // One that nobody asked for in the last second: prices are remembered for so long.
  sku = await stocked(house, 10);
  await place('rest', `00-${trace}-${'1'.repeat(16)}-01`);
  await eventually(() => {
    const way = upFrom('inventory.quote-items', collector.of(trace));
    expect(way.map(({ name, kind }) => [name, kind])).toEqual([
      ['inventory.quote-items', SERVER],
      ['ask inventory.quote-items', CLIENT],
      ['orders.place', SERVER],
    ]);
  });
});

it('a call that is refused has a span with the reason', async () => {
  const trace = randomBytes(16).toString('hex');
  const { rest } = house;
  await rest.get('/v1/orders/ord_of-nobody', { traceparent: `00-${trace}-${'1'.repeat(16)}-01` });
  await eventually(() =>
    expect(collector.of(trace)).toMatchObject([
      { name: 'orders.get', status: { code: 2, message: 'order-not-found' } },
    ]),
  );
});
