import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { checkInvariants } from '../support/invariants.js';
import { GrpcClient } from '../support/grpc-client.js';
import { KEY } from '../support/house.js';
import { LIVE_KINDS, LiveClient } from '../support/live-client.js';
import { freePort } from '../support/ports.js';
import { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';
import { stopwatch } from '../support/stopwatch.js';

describe.each(['local', 'rabbitmq'] as const)('SIGTERM over the %s carrier', (carrier) => {
  it('under 100 orders a second and with streams open ends with 0 within 15 s, fails no call and sends readers away', async () => {
    const database = await cloneDatabase();
    const grpcPort = await freePort();
    const environment = {
      GRPC_PORT: String(grpcPort),
      DATABASE_URL: database,
      // So that the balancer below, on a slow machine too, has heard of it before anything is closed.
      DRAIN_DELAY_MS: '3000',
      SHUTDOWN_TIMEOUT_MS: '60000',
      PAYMENT_DEADLINE_MS: '20000',
      ...(carrier === 'rabbitmq' && { RABBITMQ_URL: await takeVhost() }),
    };
    const house = await HouseProcess.start(environment);
    await house.rest.put('/v1/items/tea', { name: 'Tea', currency: 'JPY', unitPrice: 600 });
    await house.rest.post('/v1/items/tea/receipts', { quantity: 1_000 });

    const { rest } = house;
    const grpc = new GrpcClient(`127.0.0.1:${grpcPort}`, KEY);
    const [watched, waited] = [
      anOrder('tea', { customerId: 'w' }),
      anOrder('tea', { paymentMethod: 'pm_unavailable' }),
    ];
    const { id } = (await rest.post('/v1/orders', watched)).body as { id: string };
    const readers = LIVE_KINDS.map((kind) => LiveClient.follow(kind, { origin: rest.origin, grpc }, id));
    await eventually(() => expect(readers.map((r) => r.updates.length)).toEqual([4, 4, 4, 4]));
    // Would wait far longer than the process has: it is answered when the process leaves.
    const patient = rest.post('/v1/orders', waited, { prefer: 'wait=30' });

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
    let took = 0;
    const began = Date.now();
    // As a balancer does: new calls until /readyz says no, and what was begun is waited for.
    for (let n = 0; n < 1_000 && (n <= 150 || n % 10 > 0 || (await isReady(house))); n++) {
      calls.push(call(n));
      if (n === 150) {
        const waited = stopwatch();
        stopped = house.stop().finally(() => (took = waited()));
      }
      await sleep(Math.max(0, began + n * 10 - Date.now()));
    }
    expect(await stopped).toBe(0);
    expect(took).toBeLessThan(15_000);
    await Promise.all(calls);
    await eventually(() => expect(readers.map((r) => r.ended)).toEqual(['end', 1012, 'UNAVAILABLE', 'UNAVAILABLE']));
    expect(readers[0]!.text.match(/retry: \d+/g)).toHaveLength(2);
    expect((await patient).body.state).toBe('PLACED');
    grpc.close();
    const accepted = said.filter((s) => s === '202').length;
    expect(said.filter((s) => s !== '202')).toEqual([]);
    expect(accepted).toBeGreaterThanOrEqual(150);

    await house.startAgain();
    await checkInvariants(database);
    const client = new Client({ connectionString: database });
    await client.connect();
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM orders.orders');
    await client.end();
    expect(rows[0]!.n).toBe(accepted + 2);
    await house.stop();
    await dropClone(database);
  });
});

const isReady = async ({ rest }: HouseProcess): Promise<boolean> =>
  (await fetch(`${rest.origin}/readyz`)).status === 200;
