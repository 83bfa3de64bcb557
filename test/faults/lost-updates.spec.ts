import { setTimeout as sleep } from 'node:timers/promises';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const ORDERS = sized({ short: 60, quick: 200, full: 2_000 });
const LATE_MS = 150;

/**
 * Without a broker every replica carries for itself. COMMITs of the first arrive late, so that the other one meets rows
 * that are changed and not yet written: whoever does not wait for them writes an old version back (T36).
 */
it(
  `${ORDERS} orders, cancelled on their way while two replicas move them, keep every change`,
  async () => {
    const stage = await Stage.set('lost updates', { replicas: 2, broker: false, mail: false });
    const { chance, journal, ways, victim } = stage;
    await stage.stock('tea', ORDERS);
    const late = (after: string) =>
      ways.database.lay({
        ...{ direction: 'up', match: 'COMMIT', after, since: 'BEGIN;', action: 'hold', times: ORDERS },
        chance: () => chance.next() < 0.6,
      });
    const traps = [late('orders.update'), late('payments.update')];
    const releasing = setInterval(() => traps.forEach((trap) => trap.release()), LATE_MS);
    try {
      await Promise.all(
        Array.from({ length: ORDERS }, async (_, n) => {
          await sleep(chance.below(80 * ORDERS));
          const customerId = `buyer-${n}`;
          const { orderId } = await journal.place(customerId, anOrder('tea', { customerId }), stage.anyone);
          await sleep(chance.below(400));
          if (chance.next() < 0.7) await victim.rest.post(`/v1/orders/${orderId}/cancellation`, {});
        }),
      );
      const held = traps.map((trap) => trap.count);
      traps.forEach((trap) => trap.remove());
      await sleep(2 * LATE_MS);
      report('lost updates', {
        orders: ORDERS,
        'late COMMITs': held.join(' + '),
        'ended after s': await stage.check(),
      });
    } finally {
      clearInterval(releasing);
      await stage.strike();
    }
  },
  sized({ short: 300_000, quick: 300_000, full: 900_000 }),
);
