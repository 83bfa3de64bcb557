import { setTimeout as sleep } from 'node:timers/promises';
import { anOrder } from '../support/shop.js';
import { Diversion } from './rig/diversion.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

/** Times are drawn from windows this much of their full size. */
const PACE = sized({ short: 0.2, quick: 1, full: 1 });
const ORDERS = sized({ short: 40, quick: 500, full: 5_000 });

it.each([
  ['A21', 'delivered three times at three moments', { copies: 3, withinMs: 1_500 * PACE }, 0.2],
  // Half of the orders are cancelled on the way, so that undo and do are under way together and overtake each other.
  ['A22', 'delivered in another order, with cancellations between', { copies: 1, withinMs: 2_500 * PACE }, 0.5],
] as const)(
  '%s: every message between modules %s has its effect once',
  async (name, _how, options, cancelled) => {
    const stage = await Stage.set(name);
    try {
      await stage.stock('tea', ORDERS);
      await stage.stock('sold-out', 1);
      const diversion = await Diversion.open(stage.database, stage.chance, options);
      await Promise.all(Array.from({ length: ORDERS }, (_, n) => anOrderAndItsCancellation(stage, n, cancelled)));
      await allEnded(stage);
      await diversion.close();
      const ended = await stage.check();
      const { diverted, injected } = diversion;
      report(name, { orders: ORDERS, messages: diverted, deliveries: injected, 'ended after s': ended });
      expect(injected).toBeGreaterThanOrEqual(diverted * options.copies);
    } finally {
      await stage.strike();
    }
  },
  sized({ short: 300_000, quick: 300_000, full: 900_000 }),
);

async function anOrderAndItsCancellation({ chance, journal, victim }: Stage, n: number, share: number): Promise<void> {
  const [drawn, wait, cancels] = [chance.next(), chance.below(8_000 * PACE), chance.next() < share];
  const order = anOrder(drawn < 0.2 ? 'sold-out' : 'tea', {
    customerId: `buyer-${n}`,
    paymentMethod: drawn > 0.9 ? 'pm_declined' : drawn > 0.8 ? 'pm_capture_fails' : 'pm_ok',
  });
  const { orderId } = await journal.place(`key-${n}`, order, () => victim.rest);
  if (!cancels) return;
  await sleep(wait);
  const { status } = await victim.rest.post(`/v1/orders/${orderId}/cancellation`, {});
  expect([202, 409]).toContain(status);
}

/** With every message delayed an order takes its time; what stands still for ever is the checker's to find. */
async function allEnded(stage: Stage): Promise<void> {
  for (const until = Date.now() + 45_000; Date.now() < until; await sleep(500)) {
    const open = await Promise.all(
      ['PLACED', 'AUTHORISED', 'RESERVED', 'CLOSING'].map((s) =>
        stage.victim.rest.get(`/v1/orders?state=${s}&pageSize=1`),
      ),
    );
    if (open.every(({ body }) => body.orders?.length === 0)) return;
  }
}
