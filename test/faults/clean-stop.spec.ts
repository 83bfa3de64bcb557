import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { checkInvariants } from '../support/invariants.js';
import { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';

describe.each(['local', 'rabbitmq'] as const)('SIGTERM over the %s carrier', (carrier) => {
  it('under 100 orders a second ends with 0 within 15 s and fails no call that it took', async () => {
    const database = await cloneDatabase();
    const environment = {
      DATABASE_URL: database,
      DRAIN_DELAY_MS: '1000',
      ...(carrier === 'rabbitmq' && { RABBITMQ_URL: await takeVhost() }),
    };
    const house = await HouseProcess.start(environment);
    await house.rest.put('/v1/items/tea', { name: 'Tea', currency: 'JPY', unitPrice: 600 });
    await house.rest.post('/v1/items/tea/receipts', { quantity: 1_000 });

    const said: string[] = [];
    const calls: Promise<void>[] = [];
    const call = async (n: number): Promise<void> => {
      try {
        const answer = await house.rest.post('/v1/orders', anOrder('tea', { customerId: `c-${n}` }));
        said.push(String(answer.status));
      } catch (error) {
        said.push((error as { cause?: { code?: string } }).cause?.code ?? String(error));
      }
    };
    let stopped: Promise<number | null> | undefined;
    const began = Date.now();
    // As a balancer does: new calls until /readyz says no, and what was begun is waited for.
    for (let n = 0; n < 1_000 && (n % 10 > 0 || (await isReady(house))); n++) {
      calls.push(call(n));
      if (n === 150) stopped = house.stop();
      await sleep(Math.max(0, began + n * 10 - Date.now()));
    }
    expect(await stopped).toBe(0);
    expect(Date.now() - began).toBeLessThan(16_500);
    await Promise.all(calls);
    const accepted = said.filter((s) => s === '202').length;
    expect(said.filter((s) => s !== '202')).toEqual([]);
    expect(accepted).toBeGreaterThanOrEqual(150);

    await house.startAgain();
    await checkInvariants(database);
    const client = new Client({ connectionString: database });
    await client.connect();
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM orders.orders');
    await client.end();
    expect(rows[0]!.n).toBe(accepted);
    await house.stop();
    await dropClone(database);
  }, 90_000);
});

const isReady = async ({ rest }: HouseProcess): Promise<boolean> =>
  (await fetch(`${rest.origin}/readyz`)).status === 200;
