import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const BUYERS = sized({ short: 150, quick: 300, full: 1_000 });
const ROUNDS = sized({ short: 1, quick: 2, full: 20 });
const PIECES = 10;
const LATE_MS = 200;

/**
 * Without a broker every replica carries for itself; over RabbitMQ one active consumer would hide a missing lock. The
 * first one's COMMITs arrive late, so that the other looks at the shelf while a hand is on it.
 */
it(
  `${BUYERS} buyers at two replicas want the last ${PIECES} pieces (A29): exactly so many get one, on paper and on the shelf`,
  async () => {
    const stage = await Stage.set('A29', { replicas: 2, broker: false, mail: false });
    const database = new Client({ connectionString: stage.database });
    // It may end after the stage does, when a case ran out of time.
    database.on('error', () => undefined);
    await database.connect();
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const sku = `rare-${round}`;
        await stage.stock(sku, PIECES);
        const trap = stage.ways.database.lay({
          ...{
            direction: 'up',
            match: 'COMMIT',
            after: 'inventory.for-update',
            since: 'BEGIN;',
            action: 'hold',
            times: 8,
          },
        });
        const late = setInterval(() => trap.release(), LATE_MS);
        const buying = Array.from({ length: BUYERS }, (_, n) => {
          const customerId = `buyer-${round}-${n}`;
          return stage.journal.place(
            customerId,
            anOrder(sku, { customerId }),
            (attempt) => stage.houses[(n + attempt) % 2]!.rest,
          );
        });
        await Promise.all(buying);
        const ended = eventually(
          async () => expect(await states(database, sku)).toEqual({ open: 0, confirmed: PIECES }),
          {
            ...{ within: 45_000, every: 200 },
          },
        );
        await ended.finally(() => {
          trap.remove();
          trap.release();
          clearInterval(late);
        });
        const { rows } = await database.query(
          'SELECT available::int, reserved::int, sold::int FROM inventory.items WHERE sku = $1',
          [sku],
        );
        expect(rows).toEqual([{ available: 0, reserved: 0, sold: PIECES }]);
      }
      report('A29', { buyers: BUYERS * ROUNDS, oversold: 0, 'ended after s': await stage.check() });
    } finally {
      await database.end();
      await stage.strike();
    }
  },
  sized({ short: 300_000, quick: 300_000, full: 1_800_000 }),
);

async function states(database: Client, sku: string): Promise<object> {
  const { rows } = await database.query(
    `SELECT count(*) FILTER (WHERE state NOT IN ('CONFIRMED', 'REJECTED', 'CANCELLED'))::int AS open,
            count(*) FILTER (WHERE state = 'CONFIRMED')::int AS confirmed
       FROM orders.orders WHERE lines @> jsonb_build_array(jsonb_build_object('sku', $1::text))`,
    [sku],
  );
  return rows[0] as object;
}
