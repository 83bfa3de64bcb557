import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { anOrder } from '../support/shop.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const MINUTE = 60_000;
/** In minutes: a shift of sixty is longer than anything is remembered. */
const DAY = 24 * 60;

it(
  'the clock of one of two replicas is wrong and jumps (A38): nothing expires early or late, nothing changes its order',
  async () => {
    const clock = join(mkdtempSync(join(tmpdir(), 'sanmon-clock-')), 'shift');
    writeFileSync(clock, '0');
    const shifted = join(__dirname, 'rig/shifted-clock.cjs');
    const stage = await Stage.set('A38', { replicas: 2, dark: true });
    try {
      stage.victim.set({ NODE_OPTIONS: `--require=${shifted}`, SANMON_FAULT_CLOCK: clock });
      await Promise.all(stage.houses.map((house) => house.startAgain()));
      await stage.stockForLoad();
      const load = new Load(stage, 30);
      for (const shift of [5, -5, 60, -60, 60 * DAY, 0]) {
        // What waits for a moment of the wrong clock must not wait until the right one gets there.
        stage.ways.broker.turn('cut');
        await sleep(1_500);
        await price(stage, 600 + shift);
        writeFileSync(clock, String(shift * MINUTE));
        stage.ways.broker.turn('pass');
        await sleep(sized({ quick: 3_000, full: 60_000 }));
        expect(await price(stage)).toBe(600 + shift);
      }
      await load.stop();
      const ended = await stage.check();
      // An order's id tells the clock of the process that made it, created_at that of the database.
      const [row] = await stage.rows<{ late: number; wrong: number }>(
        `SELECT max(abs(extract(epoch FROM now() - created_at)))::float8 AS late, count(*) FILTER (WHERE
           abs(extract(epoch FROM created_at) * 1000 - ('x' || substr(id, 5, 8) || substr(id, 14, 4))::bit(48)::bigint) > 240000)::int AS wrong
         FROM orders.orders`,
      );
      expect(row!.wrong).toBeGreaterThan(0);
      report('A38', { orders: load.sent, jumps: 6, 'made under a wrong clock': row!.wrong, 'ended after s': ended });
      expect(row!.late).toBeLessThan(sized({ quick: 300, full: 1_200 }));
    } finally {
      await stage.strike();
    }
  },
  sized({ quick: 120_000, full: 900_000 }),
);

/** Changes the unit price of what nobody else buys; without one tells what an order at the shifted replica costs now. */
async function price({ victim, journal }: Stage, unitPrice?: number): Promise<number> {
  if (unitPrice !== undefined) {
    const { status } = await victim.rest.put('/v1/items/priced', { name: 'priced', currency: 'JPY', unitPrice });
    expect(status).toBeLessThan(300);
  }
  const customerId = `price-${journal.calls.length}`;
  const { orderId } = await journal.place(customerId, anOrder('priced', { customerId }), () => victim.rest);
  return (await victim.rest.get(`/v1/orders/${orderId}`)).body.total as number;
}
