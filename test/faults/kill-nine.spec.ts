import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { cloneDatabase, dropClone, takeVhost } from '../support/fixtures.js';
import { checkInvariants } from '../support/invariants.js';
import { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';
import { sized } from './rig/size.js';

const ORDERS = sized({ short: 240, quick: 1_000, full: 1_000 });
/** Goods for so many; of ten customers one is declined, so two find nothing left. */
const STOCK = 0.7 * ORDERS;
const CLIENTS = 32;

/** Everything the client was told: the order each key was answered with, over all its attempts. */
type Journal = Map<string, Set<string>>;

describe.each(['local', 'rabbitmq'] as const)('kill -9 over the %s carrier', (carrier) => {
  let database: string;
  const processes: HouseProcess[] = [];

  beforeEach(async () => {
    database = await cloneDatabase();
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((p) => p.stop()));
    await dropClone(database);
  });

  const start = async (replicas: number): Promise<HouseProcess[]> => {
    const environment = { DATABASE_URL: database, ...(carrier === 'rabbitmq' && { RABBITMQ_URL: await takeVhost() }) };
    for (let i = 0; i < replicas; i++) processes.push(await HouseProcess.start(environment));
    const { rest } = processes[0]!;
    await rest.put('/v1/items/tea', { name: 'Tea', currency: 'JPY', unitPrice: 600 });
    await rest.post('/v1/items/tea/receipts', { quantity: STOCK });
    return processes;
  };

  it('in the middle of many orders and start again: every accepted order reaches its end, none twice', async () => {
    const [house] = await start(1);
    const journal: Journal = new Map();
    const placing = placeAll(journal, () => house!);
    await reached(journal, ORDERS / 3);
    await house!.kill();
    await house!.startAgain();
    await reached(journal, (2 * ORDERS) / 3);
    await house!.kill();
    await house!.startAgain();
    await placing;
    await house!.kill();
    await house!.startAgain();
    await checkEnds(database, journal);
  });

  it('of one of two replicas under load: the other goes on, and together they lose and repeat nothing', async () => {
    const houses = await start(2);
    const journal: Journal = new Map();
    const placing = placeAll(journal, (n) => houses[n % 2]!);
    await reached(journal, ORDERS / 2);
    await houses[1]!.kill();
    await sleep(500);
    await houses[1]!.startAgain();
    await placing;
    await checkEnds(database, journal);
  });
});

/** Places all orders; a call that got no clear answer is made again with its key, as a good client does. */
async function placeAll(journal: Journal, at: (attempt: number) => HouseProcess): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < ORDERS) {
      const n = next++;
      const key = `key-${n}`;
      const order = anOrder('tea', { customerId: `buyer-${n}`, paymentMethod: n % 10 === 0 ? 'pm_declined' : 'pm_ok' });
      for (let attempt = n; ; attempt++) {
        const answer = await at(attempt)
          .rest.post('/v1/orders', order, { 'idempotency-key': key })
          .catch(() => undefined);
        if (answer?.status === 202) {
          journal.set(key, (journal.get(key) ?? new Set()).add(answer.body.id as string));
          break;
        }
        await sleep(50);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function reached(journal: Journal, accepted: number): Promise<void> {
  while (journal.size < accepted) await sleep(5);
}

async function checkEnds(database: string, journal: Journal): Promise<void> {
  await checkInvariants(database, 90_000);
  const client = new Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query<{ id: string; state: string; customer_id: string }>(
    'SELECT id, state, customer_id FROM orders.orders',
  );
  await client.end();
  expect(rows).toHaveLength(ORDERS);
  expect(new Set(rows.map((r) => r.customer_id)).size).toBe(ORDERS);
  expect(new Set(rows.map((r) => r.id))).toEqual(new Set([...journal.values()].flatMap((ids) => [...ids])));
  for (const ids of journal.values()) expect(ids.size).toBe(1);
  const count = (state: string) => rows.filter((r) => r.state === state).length;
  expect({ confirmed: count('CONFIRMED'), rejected: count('REJECTED') }).toEqual({
    confirmed: STOCK,
    rejected: ORDERS - STOCK,
  });
}
