import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const MANY = sized({ quick: 100, full: 500 });
const ANSWER_500 =
  'HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';

describe('the payment provider', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.set('A32, A33, A35, A36');
    await stage.stock('tea', 1_000_000);
    await stage.stock('sold-out', 1);
  }, 60_000);
  afterAll(() => stage?.strike());

  const place = (name: string, sku: string, count: number, paymentMethod = 'pm_ok') =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        stage.journal.place(
          `${name}-key-${n}`,
          anOrder(sku, { customerId: `${name}-${n}`, paymentMethod }),
          () => stage.victim.rest,
        ),
      ),
    );

  it('books an authorisation and never answers (A32): it is found by its key, and there is one', async () => {
    await place('timeout', 'tea', 5, 'pm_timeout_then_ok');
    report('A32', { orders: 5, 'ended after s': await stage.check({ within: 90_000 }) });
    expect(await stateOf(stage, 'timeout-%')).toEqual({ CONFIRMED: 5 });
  }, 120_000);

  it('books a capture and answers 500 (A33): one capture, and the order is confirmed', async () => {
    const trap = stage.ways.provider.lay({
      ...{ direction: 'down', match: 'HTTP/1.1 200', after: '/capture HTTP', since: 'T /', times: MANY },
      action: { replace: 'HTTP/1.1 500' },
    });
    await place('booked', 'tea', MANY);
    report('A33', { orders: MANY, 'ended after s': await stage.check() });
    trap.remove();
    expect(trap.count).toBe(MANY);
    expect(await stateOf(stage, 'booked-%')).toEqual({ CONFIRMED: MANY });
  }, 120_000);

  it('has a capture in flight when the customer cancels (A35): captured and confirmed, or cancelled and paid back', async () => {
    stage.ways.provider.turn({ delayMs: 60 });
    const calls = await place('cancelled', 'tea', MANY);
    await Promise.all(calls.map(async ({ orderId }) => cancelDuringCapture(stage, orderId!)));
    const ended = await stage.check();
    const refunded = await count(stage, `SELECT count(*) FROM sandbox.ledger WHERE kind = 'refund'`);
    const inFlight = await count(
      stage,
      `SELECT count(*) FROM orders.orders o WHERE customer_id LIKE 'cancelled-%' AND NOT EXISTS
         (SELECT FROM orders.timeline t WHERE t.order_id = o.id AND t.type = 'order-confirmed')`,
    );
    report('A35', { orders: MANY, 'in flight': inFlight, 'paid back': refunded, 'ended after s': ended });
    expect(inFlight).toBeGreaterThan(0);
    expect(await stateOf(stage, 'cancelled-%')).toEqual({ CANCELLED: MANY });
    expect(refunded).toBeGreaterThan(0);
  }, 120_000);

  it('answers 500 to voids (A36): undoing goes on until nothing is held', async () => {
    const failures = sized({ quick: 3, full: 5 });
    const trap = stage.ways.provider.lay({
      ...{ direction: 'up', match: '/void HTTP', times: failures, action: { answer: ANSWER_500 } },
    });
    await place('sold-out', 'sold-out', 1);
    await place('sold-out-too', 'sold-out', 1);
    const ended = await stage.check({ within: 120_000 });
    trap.remove();
    report('A36', { 'failed voids': trap.count, 'ended after s': ended });
    expect(trap.count).toBe(failures);
  }, 150_000);
});

/** Cancels at the moment the order is reserved: its capture is on its way to the provider. */
async function cancelDuringCapture({ victim, chance }: Stage, id: string): Promise<void> {
  const lag = chance.below(150);
  for (;;) {
    const { body } = await victim.rest.get(`/v1/orders/${id}`);
    if (body.state !== 'PLACED' && body.state !== 'AUTHORISED') break;
    await sleep(10);
  }
  await sleep(lag);
  const { status } = await victim.rest.post(`/v1/orders/${id}/cancellation`, {});
  expect(status).toBe(202);
}

async function query<T extends object>(stage: Stage, text: string, values: unknown[] = []): Promise<T[]> {
  const client = new Client({ connectionString: stage.database });
  await client.connect();
  return (await client.query<T>(text, values).finally(() => client.end())).rows;
}

const count = async (stage: Stage, text: string): Promise<number> =>
  Number((await query<{ count: string }>(stage, text))[0]!.count);

async function stateOf(stage: Stage, customers: string): Promise<Record<string, number>> {
  const rows = await query<{ state: string; count: string }>(
    stage,
    'SELECT state, count(*) FROM orders.orders WHERE customer_id LIKE $1 GROUP BY 1',
    [customers],
  );
  return Object.fromEntries(rows.map((r) => [r.state, Number(r.count)]));
}
