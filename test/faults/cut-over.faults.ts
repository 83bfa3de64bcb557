import { setTimeout as sleep } from 'node:timers/promises';
import { announce } from '../support/announce.js';
import type { HouseProcess } from '../support/process.js';
import { Balancer } from './rig/balancer.js';
import { Load } from './rig/load.js';
import { percentile } from './rig/numbers.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const RATE = sized({ quick: 50, full: 200 });
/** What is left of five minutes (quick: forty seconds) is spread over the three phases. */
const PHASE_MS = sized({ quick: 5_000, full: 75_000 });
/** The target of docs/splitting.md; a quick run is on a machine that does other things as well. */
const P99_MS = sized({ quick: 5_000, full: 250 });

/** Where a mail server answers later than is waited for, it is sent the mail again, under the same Message-ID. */
const MAILS_AT_MOST = sized({ quick: 2, full: 1 });

const WHOLE = 'orders,payments,inventory,notifications';
const REST = 'orders,inventory,notifications';

/**
 * Payments moves into a process of its own and back while orders come, as docs/splitting.md tells an operator to do it: two
 * whole replicas behind a balancer that follows /readyz; a process with `MODULES=payments` is started; the replicas are
 * restarted in turn without payments; later they are restarted in turn with it, and the process is stopped. No data moves.
 */
it(
  `payments moves out and back under ${RATE} orders/s: no call fails, nothing is lost, nothing is done twice`,
  async () => {
    const environment = { DRAIN_DELAY_MS: '2000', LOG_LEVEL: 'info' };
    const stage = await Stage.set('cut-over', { replicas: 2, placement: WHOLE, environment });
    const payments = await stage.further({ ...environment, MODULES: 'payments' });
    const balancer = await Balancer.before(stage.houses.slice(0, 2));
    try {
      await stage.stockForLoad();
      const load = new Load(stage, RATE, balancer.at);
      await sleep(PHASE_MS);
      await payments.startAgain();
      for (const house of stage.houses.slice(0, 2)) await restart(house, REST);
      const before = handledByReplicas(stage);
      await sleep(PHASE_MS);
      for (const house of stage.houses.slice(0, 2)) {
        expect((await house.rest.get('/v1/payments?orderId=ord_1')).status).toBe(421);
        await restart(house, WHOLE);
      }
      // What they said at this stop is of the time apart: nothing of payments.
      expect(handledByReplicas(stage)).toBe(before);
      expect(await payments.stop()).toBe(0);
      await sleep(PHASE_MS);
      await load.stop();
      const { failed } = stage.journal;
      const times = stage.journal.times();
      // Beyond what the machine can carry, accepting goes first, and mails are what waits: 45,000 of them after five minutes.
      const ended = await stage.check({ mailsAtMost: MAILS_AT_MOST, within: sized({ quick: 120_000, full: 300_000 }) });
      const apart = payments.handledOf('payments');
      report('cut-over', {
        ...{ orders: load.sent, 'calls failed': failed.length, 'handled apart': apart },
        ...{ 'p50 of POST ms': percentile(times, 0.5), 'p99 of POST ms': percentile(times, 0.99) },
        ...{ 'slowest ms': Math.round(times.at(-1)!), 'ended after s': ended },
      });
      expect(failed).toEqual([]);
      // Each order has at least one message for payments.
      expect(apart).toBeGreaterThan((RATE * PHASE_MS) / 1_000);
      expect(percentile(times, 0.99)).toBeLessThanOrEqual(P99_MS);
    } catch (error) {
      announce(`the processes meanwhile:\n${stage.complaints().join('\n')}`);
      throw error;
    } finally {
      await balancer.close();
      await stage.strike();
    }
  },
  sized({ quick: 400_000, full: 900_000 }),
);

async function restart(house: HouseProcess, modules: string): Promise<void> {
  expect(await house.stop()).toBe(0);
  house.set({ MODULES: modules });
  await house.startAgain();
  // The balancer has it back before the next one goes.
  await sleep(1_000);
}

const handledByReplicas = ({ houses }: Stage): number =>
  houses.slice(0, 2).reduce((sum, house) => sum + house.handledOf('payments'), 0);
