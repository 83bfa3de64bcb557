import { setTimeout as sleep } from 'node:timers/promises';
import { anOrder } from '../support/shop.js';
import { Balancer } from './rig/balancer.js';
import { Load } from './rig/load.js';
import { percentile } from './rig/numbers.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

it(
  'two replicas are restarted in turn, again and again (A46): no call fails, no order is slow, nothing is lost',
  async () => {
    const restarts = sized({ quick: 4, release: 10, full: 40 });
    const rate = sized({ quick: 30, full: 50 });
    const stage = await Stage.set('A46', { replicas: 2, environment: { DRAIN_DELAY_MS: '1000' } });
    const balancer = await Balancer.before(stage.houses);
    try {
      await stage.stockForLoad();
      const load = new Load(stage, rate, balancer.at);
      const stops: number[] = [];
      for (let n = 0; n < restarts; n++) {
        const house = stage.houses[n % 2]!;
        const began = performance.now();
        expect(await house.stop()).toBe(0);
        stops.push(Math.round(performance.now() - began));
        await house.startAgain();
        await sleep(1_000);
      }
      await load.stop();
      const { failed } = stage.journal;
      const ended = await stage.check();
      const [row] = await stage.rows<{ p99: number }>(
        `SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM confirmed_at - created_at)::float8 * 1000) AS p99 FROM orders.orders`,
      );
      report('A46', {
        ...{ restarts, orders: load.sent, 'calls failed': failed.length },
        ...{ 'p99 to CONFIRMED ms': Math.round(row!.p99), 'p99 of POST ms': percentile(stage.journal.times(), 0.99) },
        ...{ 'slowest stop ms': Math.max(...stops), 'ended after s': ended },
      });
      expect(failed).toEqual([]);
    } finally {
      await balancer.close();
      await stage.strike();
    }
  },
  sized({ quick: 180_000, release: 600_000, full: 1_800_000 }),
);

it('SIGTERM at 100 orders/s while calls to the provider hang (A45): exit 0 within 15 s, what was accepted goes on', async () => {
  const stage = await Stage.set('A45', { replicas: 2, environment: { DRAIN_DELAY_MS: '1000' } });
  const balancer = await Balancer.before(stage.houses);
  try {
    await stage.stockForLoad();
    const load = new Load(stage, sized({ quick: 50, full: 100 }), balancer.at);
    await sleep(2_000);
    const trap = stage.ways.provider.lay({ direction: 'down', match: 'HTTP/1.1 200', action: 'hold', times: 5 });
    await trap.sprung;
    const began = performance.now();
    expect(await stage.victim.stop()).toBe(0);
    const took = Math.round(performance.now() - began);
    expect(took).toBeLessThan(15_000);
    trap.remove();
    await load.stop();
    await stage.victim.startAgain();
    const { failed } = stage.journal;
    report('A45', {
      orders: load.sent,
      'calls failed': failed.length,
      'stopped after ms': took,
      'ended after s': await stage.check(),
    });
    expect(failed).toEqual([]);
    await stage.journal.place('after', anOrder('tea', { customerId: 'after' }), stage.anyone);
  } finally {
    await balancer.close();
    await stage.strike();
  }
}, 120_000);
