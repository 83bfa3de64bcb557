import { anOrder } from '../support/shop.js';
import { eventually } from '../support/eventually.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const ROUNDS = sized({ short: 3, quick: 20, full: 200 });

/** Clients that name no key cannot ask again: what they are told the first time must be what happened. */
describe('a COMMIT whose answer is lost, for a client without an idempotency key', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.set('A16 without a key');
    await stage.stock('tea', 10_000);
  });
  afterAll(() => stage?.strike());

  const onceWithoutKey = async (customerId: string) => {
    const { status, body } = await stage.victim.rest.post('/v1/orders', anOrder('tea', { customerId }));
    return { status, id: body.id as string | undefined };
  };
  const ordersOf = async (customerId: string): Promise<string[]> => {
    const { body } = await stage.victim.rest.get(`/v1/orders?customerId=${customerId}`);
    return body.orders.map((order: { id: string }) => order.id);
  };

  it('is looked up when it was done: the client is told of its order, and there is one', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const customerId = `done-${round}`;
      const trap = stage.ways.database.lay({
        ...{ direction: 'down', match: 'COMMIT\0', after: 'orders.add', since: 'BEGIN;', action: 'cut', times: 1 },
      });
      const { status, id } = await onceWithoutKey(customerId);
      trap.remove();
      expect(trap.count).toBe(1);
      expect({ status, orders: await eventually(() => ordersOf(customerId)) }).toEqual({ status: 202, orders: [id] });
      stage.journal.calls.push({ key: customerId, customerId, result: 'ok', status, orderId: id });
    }
  });

  it('is looked up when it was not done: the client is told that nothing was changed, and nothing was', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const customerId = `undone-${round}`;
      const trap = stage.ways.database.lay({
        ...{ direction: 'up', match: 'COMMIT', after: 'orders.add', since: 'BEGIN;', action: 'cut', times: 1 },
      });
      const { status } = await onceWithoutKey(customerId);
      trap.remove();
      expect(trap.count).toBe(1);
      expect({ status, orders: await eventually(() => ordersOf(customerId)) }).toEqual({ status: 503, orders: [] });
      stage.journal.calls.push({ key: customerId, customerId, result: 'fail', status });
    }
  });

  it('leaves nothing behind', async () => {
    report('A16 without a key', { cut: 2 * ROUNDS, 'ended after s': await stage.check() });
  });
});
