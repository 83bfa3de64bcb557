import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrpcClient } from '../support/grpc-client.js';
import { KEY } from '../support/house.js';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

describe('many at once', () => {
  let stage: Stage;
  let grpc: GrpcClient;
  beforeAll(async () => {
    stage = await Stage.set('A17, A18, A30, A41', { replicas: 2, environment: { DATABASE_POOL_SIZE: '5' } });
    for (const sku of ['tea', 'milk']) await stage.stock(sku, 1_000_000);
    grpc = new GrpcClient(`127.0.0.1:${stage.grpcPorts[0]}`, KEY);
  }, 60_000);
  afterAll(async () => {
    grpc?.close();
    await stage?.strike();
  });

  it(
    'one key, a hundred calls over REST and gRPC and two replicas (A30): one order, and one answer or "in use"',
    async () => {
      const rounds = sized({ quick: 30, full: 200 });
      for (let round = 0; round < rounds; round++) {
        const key = `hundred-${round}`;
        const order = anOrder('tea', { customerId: key });
        const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(n, order, key)));
        const ids = new Set(answers.filter((id) => id !== 'in use'));
        expect(ids.size).toBe(1);
        stage.journal.calls.push({ key, customerId: key, result: 'ok', orderId: [...ids][0]! });
      }
      report('A30', { rounds, calls: rounds * 100, 'ended after s': await stage.check() });
    },
    sized({ quick: 180_000, full: 900_000 }),
  );

  const ask = async (n: number, order: object, key: string): Promise<string> => {
    if (n % 3 === 0) {
      const said = await grpc.call('orders.PlaceOrder', order, { 'idempotency-key': key }).catch((e: Error) => e);
      if (!(said instanceof Error)) return said.body.id as string;
      expect(said.message).toContain('ABORTED');
      return 'in use';
    }
    const { status, body, text } = await stage.houses[n % 2]!.rest.post('/v1/orders', order, {
      'idempotency-key': key,
    });
    if (status === 202) return body.id as string;
    expect({ status, text }).toMatchObject({ status: 409, text: expect.stringContaining('idempotency-key-in-use') });
    return 'in use';
  };

  it(
    'pairs of orders name the same goods in opposite order (A18): nothing is refused, nothing deadlocks for good',
    async () => {
      const pairs = sized({ quick: 500, full: 1_000 });
      const line = (...skus: string[]) => ({ lines: skus.map((sku) => ({ sku, quantity: 1 })) });
      const calls = await Promise.all(
        Array.from({ length: 2 * pairs }, (_, n) => {
          const lines = n % 2 ? line('tea', 'milk') : line('milk', 'tea');
          return stage.journal.once(
            `pair-${n}`,
            anOrder('', { customerId: `pair-${n}`, ...lines }),
            stage.houses[n % 4 < 2 ? 0 : 1]!.rest,
          );
        }),
      );
      expect(calls.filter((c) => c.result !== 'ok')).toEqual([]);
      report('A18', { pairs, 'ended after s': await stage.check() });
    },
    sized({ quick: 120_000, full: 240_000 }),
  );

  it('two hundred orders at once over a pool of five (A41): nobody waits for ever', async () => {
    const began = performance.now();
    const calls = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        stage.journal.once(`pool-${n}`, anOrder('tea', { customerId: `pool-${n}` }), stage.victim.rest),
      ),
    );
    expect(calls.filter((c) => c.result !== 'ok')).toEqual([]);
    const accepted = Math.round(performance.now() - began);
    report('A41', { orders: 200, 'accepted after ms': accepted, 'ended after s': await stage.check() });
  }, 90_000);

  it(
    'a stranger locks the stock (A17): orders are accepted or told to come again, and all is well soon after',
    async () => {
      const stranger = new Client({ connectionString: stage.database });
      await stranger.connect();
      await stranger.query(
        'SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE inventory.items IN ACCESS EXCLUSIVE MODE',
      );
      const began = performance.now();
      const asking = Promise.all(
        Array.from({ length: 500 }, (_, n) =>
          stage.journal.once(`locked-${n}`, anOrder('tea', { customerId: `locked-${n}` }), stage.anyone()),
        ),
      );
      const slowest = asking.then(() => Math.round(performance.now() - began));
      await sleep(sized({ quick: 15_000, full: 30_000 }));
      await stranger.query('ROLLBACK');
      await stranger.end();
      const released = performance.now();
      const calls = await asking;
      const answers = [...new Set(calls.map((c) => c.status))];
      expect([202, 429, 503]).toEqual(expect.arrayContaining(answers));
      const normal = await stage.journal.place(
        'after-lock',
        anOrder('tea', { customerId: 'after-lock' }),
        stage.anyone,
      );
      expect(normal.result).toBe('ok');
      const recovery = Math.round(performance.now() - released);
      expect(recovery).toBeLessThan(5_000);
      const counts = answers.map((status) => `${calls.filter((c) => c.status === status).length}×${status}`).join(' ');
      report('A17', {
        answers: counts,
        'all answered after ms': await slowest,
        'recovered after ms': recovery,
        'ended after s': await stage.check(),
      });
    },
    sized({ quick: 90_000, full: 120_000 }),
  );
});
