import { Logger } from '@nestjs/common';
import { v7 } from 'uuid';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone } from '../support/fixtures.js';
import { aHouse, type TestHouse } from '../support/house.js';
import { freePort } from '../support/ports.js';
import { anOrder, placeThrough, stocked } from '../support/shop.js';

const STALLED_SECONDS = 3;
let database: string;
let house: TestHouse;
let sku: string;

// No broker, and nobody at the provider's address.
beforeAll(async () => {
  database = await cloneDatabase();
  house = await aHouse({
    DATABASE_URL: database,
    PAYMENT_SANDBOX_URL: `http://127.0.0.1:${await freePort()}`,
    ORDER_STALLED_HOURS: String(STALLED_SECONDS / 3_600),
  });
  sku = await stocked(house, 10);
});
afterAll(async () => {
  await house.close();
  await dropClone(database);
});

const rows = <T>(text: string, values: unknown[] = []): Promise<T[]> =>
  house.house.foundations.sources.get('database')!.query(text, values);

it('says aloud that an order does not move, sends its last command again, and rejects nothing', async () => {
  const said = jest.spyOn(Logger.prototype, 'error');
  const { id } = await placeThrough('rest', house, anOrder(sku));
  const commands = async () => (await rows('SELECT FROM payments.seen')).length;
  await eventually(async () => expect(await commands()).toBe(1));
  // Again and again, each time after the same while.
  await eventually(async () => expect(await commands()).toBeGreaterThanOrEqual(3), { within: 20_000 });
  expect(said.mock.calls.flat().filter((line) => String(line).startsWith(`${id} PLACED, stalled`))).not.toEqual([]);
  said.mockRestore();
  expect((await house.rest.get(`/v1/orders/${id}`)).body.state).toBe('PLACED');
  const effects = await rows('SELECT kind FROM payments.effects WHERE key = $1', [id]);
  expect(effects).toEqual([{ kind: 'payment-authorise' }]);
});

it('shows in /readyz that calls to the provider are in vain for five minutes', async () => {
  const overdue = async () => (await house.rest.get('/readyz')).body.checks.overdue as string;
  expect(await overdue()).toBe('ok');
  await rows(`UPDATE payments.effects SET first_at = now() - interval '6 minutes'`);
  await eventually(async () => expect(await overdue()).toBe('degraded'), { within: 30_000 });
});

it('works on a command from outside that is released while there is no broker', async () => {
  const id = v7();
  const { traffic } = house.house.foundations;
  const order = anOrder(sku, { customerId: 'the-released' });
  await traffic.of('orders').database.transaction((tx) =>
    traffic.of('orders').strangers.keep(tx, 'parked', [
      {
        id,
        type: 'orders.place',
        principal: 'amqp:publisher',
        code: 'forbidden',
        reason: 'It was not allowed then.',
        content: Buffer.from(JSON.stringify(order)),
        headers: {},
      },
    ]),
  );
  expect((await house.rest.post(`/v1/ops/messages/msg_${id}/release`)).status).toBe(202);
  await eventually(async () =>
    expect(await rows(`SELECT state FROM orders.orders WHERE customer_id = 'the-released'`)).toEqual([
      { state: 'PLACED' },
    ]),
  );
  expect(await rows('SELECT state FROM orders.inbox WHERE message_id = $1', [id])).toEqual([]);
});
