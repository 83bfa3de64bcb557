import { Client } from 'pg';
import { type ModuleName, MODULES } from '../../src/config/settings.js';
import { rig, takeVhost, useDatabase } from '../support/fixtures.js';
import { aHouse, type TestHouse } from '../support/house.js';
import { checkInvariants } from '../support/invariants.js';
import { seenFrom } from '../support/one-view.js';
import { createDatabase, dropDatabase, rowsOf } from '../support/postgres.js';
import { anOrder, orderIn, paymentOf, placeThrough, stocked } from '../support/shop.js';

/** Of the test: it becomes a view of the four. */
const view = useDatabase();

describe.each(['local', 'rabbitmq'] as const)(
  'each module with a database of its own, over the %s carrier',
  (carrier) => {
    const urls = {} as Record<ModuleName, string>;
    /** Every text that was sent to a database, by the name of the database. */
    const ran = new Map<string, Set<string>>();
    let house: TestHouse;

    beforeAll(async () => {
      for (const module of MODULES)
        urls[module] = await createDatabase(rig().postgres, `own_${module}_${carrier}_${process.pid}`);
      readEveryQuery(ran);
      house = await aHouse({
        ...{ DATABASE_URL: '', RABBITMQ_URL: carrier === 'rabbitmq' ? await takeVhost() : undefined },
        ...Object.fromEntries(MODULES.map((module) => [`${module.toUpperCase()}_DATABASE_URL`, urls[module]])),
      });
    });
    afterAll(async () => {
      jest.restoreAllMocks();
      await house?.close();
      for (const url of Object.values(urls)) await dropDatabase(rig().postgres, new URL(url).pathname.slice(1));
    });

    it('takes orders to every end: confirmed and refunded, cancelled, declined, out of stock', async () => {
      const sku = await stocked(house, 3);
      const place = async (more: object, state: string): Promise<string> => {
        const { id } = await placeThrough('rest', house, anOrder(sku, more));
        await orderIn(house, id as string, state);
        return id as string;
      };
      const refunded = await place({}, 'CONFIRMED');
      const { id } = await paymentOf(house, refunded);
      expect((await house.rest.post(`/v1/payments/${id}/refunds`, { amount: 1 })).status).toBe(202);
      const cancelled = await place({}, 'CONFIRMED');
      expect((await house.rest.post(`/v1/orders/${cancelled}/cancellation`, {})).status).toBe(202);
      await orderIn(house, cancelled, 'CANCELLED');
      await place({ paymentMethod: 'pm_declined' }, 'REJECTED');
      await place({ lines: [{ sku, quantity: 9 }] }, 'REJECTED');
      for (const module of MODULES) await seenFrom(view.url, urls[module], [module, 'sandbox']);
      await checkInvariants(view.url);
    });

    it('keeps in each database its own schema and migrations, and nothing of another module', async () => {
      for (const module of MODULES) {
        const found = await rowsOf<{ name: string }>(
          urls[module],
          `SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1`,
        );
        const own = ['access', module, 'public', ...(module === 'payments' ? ['sandbox'] : [])].sort();
        expect([module, found.map(({ name }) => name)]).toEqual([module, own]);
        const migrated = await rowsOf<{ name: string }>(urls[module], 'SELECT name FROM sanmon_migrations');
        for (const { name } of migrated) expect(name.toLowerCase()).toMatch(new RegExp(`^(access|${module})`));
        const [{ outbox, seen }] = (await rowsOf(
          urls[module],
          `SELECT to_regclass('${module}.outbox')::text AS outbox, to_regclass('${module}.inbox')::text AS seen`,
        )) as [{ outbox: string; seen: string }];
        expect([outbox, seen]).toEqual([`${module}.outbox`, `${module}.inbox`]);
      }
    });

    it('asks no database about another module: none of the queries that ran names one', () => {
      for (const module of MODULES) {
        const texts = [...ran.get(new URL(urls[module]).pathname.slice(1))!];
        expect(texts.filter((text) => text.includes(`${module}.`)).length).toBeGreaterThan(10);
        const others = MODULES.filter((other) => other !== module).join('|');
        expect(texts.filter((text) => new RegExp(`\\b(${others})"?\\."?\\w`).test(text))).toEqual([]);
      }
    });
  },
);

/** Notes each text on its way to any database. */
function readEveryQuery(ran: Map<string, Set<string>>): void {
  const { prototype } = Client as unknown as { prototype: { query: (this: object, ...args: unknown[]) => unknown } };
  const send = prototype.query;
  jest.spyOn(prototype, 'query').mockImplementation(function (this: object, ...args: unknown[]) {
    const { database } = this as { database: string };
    const [given] = args as [string | { text: string }];
    ran.set(database, (ran.get(database) ?? new Set()).add(typeof given === 'string' ? given : given.text));
    return send.apply(this, args);
  });
}
