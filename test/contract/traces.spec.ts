import { randomBytes } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { anOrder, type Gate, type Json, orderIn, paymentOf, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';
import { World } from '../support/world.js';

const at = useHouse();
let world: World;
let sku: string;

beforeAll(async () => {
  world = await World.listen(at.brokerUrl);
  sku = await stocked(at.house, 1_000);
});
afterAll(() => world?.close());
afterEach(() => jest.restoreAllMocks());

/** A trace that a caller is in. */
class Trace {
  readonly id = randomBytes(16).toString('hex');
  readonly span = randomBytes(8).toString('hex');
  readonly traceparent = `00-${this.id}-${this.span}-01`;
  readonly headers = { traceparent: this.traceparent };
}

/** Places an order within a trace; answers it and the header of the reply over AMQP. */
async function place(gate: Gate, traceparent: string, more: object = {}): Promise<{ id: string; replied?: unknown }> {
  const { rest, grpc, amqp } = at.house;
  const input = anOrder(sku, more);
  if (gate === 'rest') return { id: (await rest.post('/v1/orders', input, { traceparent })).body.id };
  if (gate === 'grpc') return { id: (await grpc.call('orders.PlaceOrder', input, { traceparent })).body.id };
  const { body, headers } = await amqp!.ask('orders.place', input, { headers: { traceparent } });
  return { id: body.result.id, replied: headers.traceparent };
}

/** Waits for so many events of a key and answers their traces. */
const traces = (key: string, count: number): Promise<string[]> =>
  eventually(
    () => {
      expect(world.of(key)).toHaveLength(count);
      return world.of(key).map(({ properties }) => (properties.headers as Json).traceparent as string);
    },
    { within: 20_000 },
  );

/** Expects the hops to be of this trace, each with a span of its own. */
function areOf(trace: Trace, hops: string[]): void {
  for (const hop of hops) expect(hop).toMatch(new RegExp(`^00-${trace.id}-[0-9a-f]{16}-01$`));
  expect(new Set([trace.traceparent, ...hops]).size).toBe(hops.length + 1);
}

describe.each<Gate>(['rest', 'grpc', 'amqp'])('a traceparent over %s', (gate) => {
  it('is the trace of every event of the order, to the last one', async () => {
    const trace = new Trace();
    const { id, replied } = await place(gate, trace.traceparent);
    await orderIn(at.house, id, 'CONFIRMED');
    areOf(trace, [...(await traces(id, 8)), ...(gate === 'amqp' ? [replied as string] : [])]);
  });

  it('that is not valid is ignored: the events of the order are a trace all the same', async () => {
    const { id, replied } = await place(gate, `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`);
    await orderIn(at.house, id, 'CONFIRMED');
    const hops = await traces(id, 8);
    for (const hop of hops) expect(hop).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(new Set(hops.map((hop) => hop.slice(3, 35)))).toEqual(new Set([id.slice(4).replaceAll('-', '')]));
    expect(new Set(hops).size).toBe(8);
    expect(replied).toBeUndefined();
  });
});

it('orders that are handled in one set keep their traces apart', async () => {
  const each = Array.from({ length: 30 }, (_, i) => ({
    trace: new Trace(),
    gate: (['rest', 'amqp'] as const)[i % 2]!,
  }));
  const placed = await Promise.all(
    each.map(async ({ trace, gate }) => ({ trace, ...(await place(gate, trace.traceparent)) })),
  );
  for (const { trace, id } of placed) areOf(trace, await traces(id, 8));
});

it('is kept where a message is stored before it is handled, and where a call to the outside is taken up again', async () => {
  for (const { intake } of at.house.house.foundations.traffic.all())
    jest.spyOn(intake, 'handle').mockRejectedValue(new Error('stored instead'));
  const trace = new Trace();
  const { id } = await place('rest', trace.traceparent, { paymentMethod: 'pm_error_then_ok' });
  await orderIn(at.house, id, 'CONFIRMED');
  areOf(trace, await traces(id, 8));
});

it('of a cancellation, a refund, an item and a receipt is the trace of what they cause', async () => {
  const { rest } = at.house;
  const [first, second, third] = [new Trace(), new Trace(), new Trace()];
  const { id } = await place('rest', first.traceparent);
  await orderIn(at.house, id, 'CONFIRMED');
  const before = await traces(id, 8);
  const payment = await paymentOf(at.house, id);
  await rest.post(`/v1/payments/${payment.id}/refunds`, { amount: 1 }, second.headers);
  areOf(second, (await traces(id, 9)).slice(8));
  await rest.post(`/v1/orders/${id}/cancellation`, {}, third.headers);
  await orderIn(at.house, id, 'CANCELLED');
  areOf(third, (await traces(id, 12)).slice(9));
  areOf(first, before);

  const item = `sku-of-${first.id}`;
  const thing = { name: 'Thing', currency: 'JPY', unitPrice: 1 };
  await rest.call('PUT', `/v1/items/${item}`, thing, first.headers);
  areOf(first, await traces(item, 1));
  await Promise.all(
    [second, third].map((trace) => rest.post(`/v1/items/${item}/receipts`, { quantity: 1 }, trace.headers)),
  );
  const receipts = (await traces(item, 3)).slice(1);
  expect(receipts.map((hop) => hop.slice(3, 35)).sort()).toEqual([second.id, third.id].sort());
});
