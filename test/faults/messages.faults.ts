import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { AmqpClient } from '../support/amqp-client.js';
import { eventually } from '../support/eventually.js';
import { KEY } from '../support/house.js';
import { anOrder } from '../support/shop.js';
import { Detention } from './rig/detention.js';
import { Load } from './rig/load.js';
import { percentile } from './rig/numbers.js';
import { poison } from './rig/poison.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

let stage: Stage;
afterEach(() => stage?.strike());

const set = async (name: string): Promise<void> => {
  stage = await Stage.set(name);
  await stage.stockForLoad();
};

it(
  'a reply that comes after its order was undone (A23): the late money is given back, and the order stays cancelled',
  async () => {
    const orders = sized({ quick: 30, full: 300 });
    await set('A23');
    const late = await Detention.of(stage.database, 'payments', 'payments.payment-authorised.v1');
    const { rest } = stage.victim;
    const calls = await Promise.all(
      Array.from({ length: orders }, (_, n) =>
        stage.journal.place(`late-key-${n}`, anOrder('tea', { customerId: `late-${n}` }), () => rest),
      ),
    );
    await eventually(async () => expect(await late.count()).toBe(orders), { within: 30_000 });
    for (const { orderId } of calls) expect((await rest.post(`/v1/orders/${orderId}/cancellation`)).status).toBe(202);
    const cancelled = async () => {
      const rows = await stage.rows(`SELECT id FROM orders.orders WHERE state = 'CANCELLED'`);
      expect(rows).toHaveLength(orders);
    };
    await eventually(cancelled, { within: 30_000, every: 100 });
    await sleep(sized({ quick: 2_000, full: 600_000 }));
    await late.release();
    const ended = await stage.check();
    await cancelled();
    report('A23', { orders, 'ended after s': ended });
  },
  sized({ quick: 120_000, full: 900_000 }),
);

/** The ways in which one in ten of the world's commands is bad, and what each is parked for. */
const BAD = ['undecodable', 'invalid', 'internal'] as const;

it(
  'one command in ten cannot be read, is wrong, or makes its handler throw (A24): each is parked with its reason, the good ones flow',
  async () => {
    const [rate, seconds] = [sized({ quick: 60, full: 200 }), sized({ quick: 10, full: 60 })];
    await set('A24');
    const bug = await poison(stage, 'orders.orders', `NEW.customer_id LIKE 'throws-%'`);
    const client = await AmqpClient.connect(stage.brokerUrl, KEY);
    try {
      const quiet = await commands(client, { rate, seconds, name: 'quiet', bad: 0 });
      const mixed = await commands(client, { rate, seconds, name: 'mixed', bad: 0.1 });
      const parked = async () => {
        const rows = await stage.rows<{ code: string; n: number; attempts: number }>(
          `SELECT code, count(*)::int AS n, max(attempts) AS attempts FROM orders.inbox WHERE state = 'parked' GROUP BY 1 ORDER BY 1`,
        );
        const counts = Object.fromEntries(rows.map((r) => [r.code, r.n]));
        expect(counts).toEqual(Object.fromEntries(BAD.map((code) => [code, mixed.bad.get(code)])));
        expect(Math.max(...rows.map((r) => r.attempts))).toBeLessThanOrEqual(6);
      };
      // Six attempts take 48 s; a set with a throwing command in it is run one by one.
      await eventually(parked, { within: 300_000, every: 500 });
      const ended = await stage.check();
      const [before, beside] = [await ages('quiet'), await ages('mixed')];
      report('A24', {
        ...{ commands: 2 * rate * seconds, parked: [...mixed.bad].map(([code, n]) => `${n} ${code}`).join(' ') },
        ...{
          'p99 alone ms': percentile(before, 0.99),
          'p99 beside ms': percentile(beside, 0.99),
          'ended after s': ended,
        },
      });
      expect(beside).toHaveLength(mixed.good);
      expect(before).toHaveLength(quiet.good);
    } finally {
      await client.close();
      await bug.cure();
    }
  },
  sized({ quick: 420_000, full: 600_000 }),
);

interface Mixture {
  rate: number;
  seconds: number;
  name: string;
  bad: number;
}

/** Publishes commands at a rate; those that are good say in their note when they were sent. */
async function commands(client: AmqpClient, { rate, seconds, name, bad }: Mixture) {
  const sent = { good: 0, bad: new Map<string, number>() };
  const began = performance.now();
  for (let n = 0; n < rate * seconds; n++) {
    await sleep(Math.max(0, (n * 1_000) / rate - (performance.now() - began)));
    const kind = stage.chance.next() < bad ? stage.chance.one(BAD) : 'good';
    const customerId = `${kind === 'internal' ? 'throws' : name}-${n}`;
    const order = anOrder('tea', { customerId, note: String(Date.now()) });
    const body = kind === 'undecodable' ? '{"customerId":' : kind === 'invalid' ? { ...order, colour: 'red' } : order;
    await client.publish('orders.place', body, { messageId: v7() });
    if (kind !== 'good') sent.bad.set(kind, (sent.bad.get(kind) ?? 0) + 1);
    else {
      sent.good++;
      stage.journal.calls.push({ key: customerId, customerId, result: 'info' });
    }
  }
  return sent;
}

/** Milliseconds from sending to the order, ascending. */
const ages = async (name: string): Promise<number[]> =>
  (
    await stage.rows<{ ms: number }>(
      `SELECT extract(epoch FROM created_at)::float8 * 1000 - note::float8 AS ms FROM orders.orders WHERE customer_id LIKE $1 ORDER BY 1`,
      [`${name}-%`],
    )
  ).map((r) => r.ms);

it('a newer version speaks (A27): what it adds is not minded, what it leaves out is not missed, what is unknown is parked', async () => {
  await set('A27');
  await stage.rows(`CREATE SCHEMA faults;
    CREATE FUNCTION faults.newer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.body := ((NEW.body::jsonb - 'providerReference' - 'reason') || '{"addedInV2":{"to":["be","ignored"]}}')::text;
      RETURN NEW; END $$;
    CREATE FUNCTION faults.more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO payments.outbox (lane, route, key, type, message_id, body)
        VALUES (NEW.lane, 'internal:payments.events', NEW.key, 'payments.payment-blessed.v1', gen_random_uuid(), NEW.body);
      RETURN NEW; END $$`);
  for (const module of ['orders', 'payments', 'inventory'])
    await stage.rows(
      `CREATE TRIGGER newer BEFORE INSERT ON ${module}.outbox FOR EACH ROW EXECUTE FUNCTION faults.newer()`,
    );
  await stage.rows(
    `CREATE TRIGGER more BEFORE INSERT ON payments.outbox FOR EACH ROW WHEN (NEW.type = 'payments.payment-authorised.v1')
     EXECUTE FUNCTION faults.more()`,
  );
  const load = new Load(stage, 50);
  await sleep(4_000);
  await load.stop();
  report('A27', { orders: load.sent, 'ended after s': await stage.check() });
  const [sent] = await stage.rows<{ lane: number }>(
    `INSERT INTO orders.outbox (lane, route, key, type, message_id, body)
     VALUES (3, 'internal:payments', 'ord_of-v2', 'payments.bless', gen_random_uuid(), '{"orderId":"ord_of-v2"}') RETURNING lane`,
  );
  expect(sent).toBeDefined();
  const parked = async () => {
    const rows = await stage.rows(`SELECT type, state, code FROM payments.inbox`);
    expect(rows).toEqual([{ type: 'payments.bless', state: 'parked', code: 'unknown-type' }]);
  };
  await eventually(parked, { within: 20_000 });
}, 90_000);

it('a message that ends its process each time (A25) is set aside, its neighbours go on, and it can be released', async () => {
  await set('A25');
  // Deadly is the handler's own statement; storing the message is not.
  const lay = () =>
    stage.ways.database.lay({
      ...{
        direction: 'up',
        match: 'deadly-customer',
        after: 'payments.insert',
        since: 'BEGIN;',
        action: 'hold',
        times: 1,
      },
    });
  let trap = lay();
  let [over, kills] = [false, 0];
  const killing = (async () => {
    while (!over) {
      if (!(await Promise.race([trap.sprung.then(() => true), sleep(500, false)]))) continue;
      await stage.victim.kill();
      kills++;
      trap.remove();
      trap = lay();
      await stage.victim.startAgain();
    }
  })();
  const inbox = () =>
    stage.rows<{ code: string; attempts: number }>(`SELECT code, attempts FROM payments.inbox WHERE state = 'parked'`);
  try {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        stage.journal.place(
          `deadly-key-${n}`,
          anOrder('tea', { customerId: n === 7 ? 'deadly-customer' : `neighbour-${n}` }),
          () => stage.victim.rest,
        ),
      ),
    );
    const others = async () => {
      const rows = await stage.rows(
        `SELECT id FROM orders.orders WHERE state = 'CONFIRMED' AND customer_id LIKE 'neighbour-%'`,
      );
      expect(rows).toHaveLength(19);
    };
    await eventually(others, { within: 60_000, every: 500 });
    await eventually(async () => expect(await inbox()).toEqual([{ code: 'process-ended', attempts: 6 }]), {
      within: 60_000,
      every: 500,
    });
  } finally {
    over = true;
    await killing;
    trap.remove();
  }
  const { rest } = stage.victim;
  const [parked] = (await rest.get('/v1/ops/messages?module=payments&state=PARKED')).body.messages;
  expect((await rest.post(`/v1/ops/messages/${parked.id}/release`)).status).toBe(202);
  report('A25', { kills, 'ended after s': await stage.check({ mailsAtMost: 1 + kills }) });
}, 180_000);
