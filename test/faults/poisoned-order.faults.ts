import { eventually } from '../support/eventually.js';
import { anOrder, type Json } from '../support/shop.js';
import { percentile } from './rig/numbers.js';
import { poison } from './rig/poison.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const ORDERS = sized({ quick: 200, release: 1_000, full: 1_000 });

it(
  `of ${ORDERS} orders one is poisoned: the others end in normal time, and its messages apply in order after release`,
  async () => {
    const stage = await Stage.set('a poisoned order', { replicas: 2 });
    try {
      await stage.stockForLoad();
      const normal = await placeMany(stage, 'normal');
      const bug = await poison(stage, 'orders.orders', `NEW.customer_id = 'poisoned' AND NEW.state = 'AUTHORISED'`);
      await watchTheInbox(stage);
      const { orderId } = await stage.journal.place(
        'poisoned-key',
        anOrder('tea', { customerId: 'poisoned' }),
        stage.anyone,
      );
      const beside = await placeMany(stage, 'beside');
      expect(beside.p99).toBeLessThan(Math.max(2 * normal.p99, 2_000));

      const { rest } = stage.victim;
      const desk = async (): Promise<Json[]> =>
        (await rest.get(`/v1/ops/messages?module=orders&key=${orderId}`)).body.messages;
      await eventually(async () => expect(await desk()).toMatchObject([{ state: 'PARKED', attempts: 6 }]), {
        within: 90_000,
        every: 250,
      });
      expect((await rest.post(`/v1/orders/${orderId}/cancellation`)).status).toBe(202);
      await eventually(async () => expect(await desk()).toMatchObject([{ state: 'PARKED' }, { state: 'WAITING' }]));
      const waiting = (await desk()).map((m) => m.type as string);
      await bug.cure();
      expect((await rest.post(`/v1/ops/messages/${(await desk())[0].id}/release`)).status).toBe(202);
      const ended = await stage.check();
      const left = await stage.rows<{ type: string }>(`SELECT type FROM faults.left_inbox WHERE key = $1 ORDER BY id`, [
        orderId,
      ]);
      expect(left.map((l) => l.type)).toEqual(waiting);
      expect((await rest.get(`/v1/orders/${orderId}`)).body.state).toBe('CANCELLED');
      report('a poisoned order', {
        ...{ others: ORDERS, 'p50 / p99 ms before': `${normal.p50} / ${normal.p99}` },
        ...{ 'beside it': `${beside.p50} / ${beside.p99}`, 'applied in order': left.length, 'ended after s': ended },
      });
    } finally {
      await stage.strike();
    }
  },
  sized({ quick: 240_000, full: 600_000 }),
);

/** Places them side by side and waits until they end; answers how long that took each, by the database's clock. */
async function placeMany(stage: Stage, name: string): Promise<{ p50: number; p99: number }> {
  const place = (n: number) =>
    stage.journal.place(`${name}-key-${n}`, anOrder('tea', { customerId: `${name}-${n}` }), stage.anyone);
  for (let n = 0; n < ORDERS; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => place(n + i)));
  const times = `SELECT extract(epoch FROM confirmed_at - created_at)::float8 * 1000 AS ms FROM orders.orders
    WHERE customer_id LIKE $1 AND state = 'CONFIRMED' ORDER BY 1`;
  const confirmed = async () => {
    const rows = await stage.rows<{ ms: number }>(times, [`${name}-%`]);
    expect(rows).toHaveLength(ORDERS);
    return rows.map((r) => r.ms);
  };
  const ms = await eventually(confirmed, { within: 60_000, every: 250 });
  return { p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) };
}

/** Writes down in which order messages leave the inbox of orders: the moment at which each was applied. */
const watchTheInbox = (stage: Stage) =>
  stage.rows(`CREATE TABLE faults.left_inbox (id bigint GENERATED ALWAYS AS IDENTITY, key text, type text);
    CREATE FUNCTION faults.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO faults.left_inbox (key, type) VALUES (OLD.key, OLD.type); RETURN OLD; END $$;
    CREATE TRIGGER note AFTER DELETE ON orders.inbox FOR EACH ROW EXECUTE FUNCTION faults.note()`);
