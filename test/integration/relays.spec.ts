import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { Database } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import type { Carrier } from '../../src/messaging/outbox/carrier.js';
import type { Outgoing } from '../../src/messaging/message.js';
import { Outbox } from '../../src/messaging/outbox/outbox.js';
import { Birth } from '../../src/messaging/birth.js';
import { Floor } from '../../src/messaging/outbox/floor.js';
import { Relay } from '../../src/messaging/outbox/relay.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';

const RELAYS = 4;
const WRITERS = 8;
const [TRANSACTIONS, KEYS] = [150, 5];

const database = useDatabase();
let source: DataSource;
beforeAll(async () => {
  source = await dataSourceFor(database.url, [], RELAYS + WRITERS).initialize();
});
afterAll(() => source?.destroy());

/** Writes down what it is given, in the order in which it came. */
class Ledger implements Carrier {
  readonly name = 'local';
  readonly carried: { key: string; n: number }[] = [];
  readonly ready = (): boolean => true;
  open(): void {}
  async close(): Promise<void> {}

  async carry(_tx: unknown, rows: Outgoing[]): Promise<boolean[]> {
    for (const { key, body } of rows) this.carried.push({ key, n: (JSON.parse(body) as { n: number }).n });
    await sleep(Math.random() * 3);
    return rows.map(() => true);
  }
}

it(`${RELAYS} relays over one outbox carry each message once, and those of one key in order (T25)`, async () => {
  const ledger = new Ledger();
  const home = new Database(source);
  const outbox = new Outbox('orders', false, () => undefined);
  let writing = WRITERS;

  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < TRANSACTIONS; n++)
      await home.transaction(async (tx) => {
        const rows = Array.from({ length: KEYS }, (_, k) => ({
          ...{ route: 'internal:orders', key: `key-${writer}-${k}`, type: 'orders.of-a-test', id: v7() },
          ...{ headers: null, body: JSON.stringify({ n }) },
        }));
        outbox.write(tx, rows);
      });
    writing--;
  };
  const carry = async (): Promise<void> => {
    const relay = new Relay('orders', { database: home, birth: new Birth(home) }, ledger);
    for (let idle = 0; writing > 0 || idle < 3;) {
      const progress = await relay.step();
      idle = progress === 'idle' && writing === 0 ? idle + 1 : 0;
      if (progress !== 'more') await sleep(1);
    }
  };
  await Promise.all([...Array.from({ length: WRITERS }, (_, w) => write(w)), ...Array.from({ length: RELAYS }, carry)]);

  const byKey = new Map<string, number[]>();
  for (const { key, n } of ledger.carried) byKey.set(key, [...(byKey.get(key) ?? []), n]);
  const expected = Array.from({ length: TRANSACTIONS }, (_, n) => n);
  const wrong = [...byKey].filter(([, numbers]) => String(numbers) !== String(expected));
  expect({ keys: byKey.size, carried: ledger.carried.length, wrong: wrong.slice(0, 2) }).toEqual({
    ...{ keys: WRITERS * KEYS, carried: WRITERS * KEYS * TRANSACTIONS, wrong: [] },
  });
});

// Transactions of the whole server count, also those of other tests, and some of these last for ten seconds.
describe('the floor of an outbox', () => {
  const MANY = 1_000;
  let floor: Floor;
  beforeEach(async () => {
    await source.query('TRUNCATE orders.outbox');
    floor = new Floor('orders', new Database(source));
  });

  const insert = `INSERT INTO orders.outbox (lane, route, key, type, message_id, body)
    SELECT n % 32, 'internal:orders', 'key', 'orders.of-a-test', gen_random_uuid(), '{}' FROM generate_series(1, $1::int) n RETURNING seq::int`;
  /** What a busy relay does meanwhile: many rows are carried, and it asks each second. */
  const busy = async (): Promise<number> => {
    await source.query(insert, [MANY]);
    await source.query('DELETE FROM orders.outbox');
    const [{ last }] = await source.query<[{ last: number }]>(
      'SELECT last_value::int AS last FROM orders.outbox_seq_seq',
    );
    floor.saw(Array.from({ length: MANY }, () => Infinity));
    await floor.rise();
    return last;
  };

  it('stays below a row that is not committed yet, and below it while it stands', async () => {
    const writer = source.createQueryRunner();
    try {
      await writer.startTransaction();
      await writer.query('SELECT pg_current_xact_id()');
      const [{ seq }] = (await writer.query(insert, [1])) as [{ seq: number }];
      for (let looks = 0; looks < 4; looks++) {
        await busy();
        expect(floor.above()).toBeLessThan(seq);
        await sleep(1_010);
      }
      await writer.commitTransaction();
      // Only rows after it are deleted: it stands.
      await eventually(
        async () => {
          floor.saw(Array.from({ length: MANY }, () => Infinity));
          await floor.rise();
          expect(floor.above()).toBe(seq - 1);
        },
        { within: 60_000, every: 300 },
      );
    } finally {
      if (writer.isTransactionActive) await writer.rollbackTransaction();
      await writer.release();
    }
  });

  it('rises beside a snapshot that somebody holds, and is given up when the numbers begin anew', async () => {
    const reader = source.createQueryRunner();
    try {
      await reader.startTransaction('REPEATABLE READ');
      await reader.query('SELECT count(*) FROM orders.orders');
      const first = await busy();
      await eventually(
        async () => {
          await busy();
          expect(floor.above()).toBeGreaterThanOrEqual(first);
        },
        { within: 60_000, every: 300 },
      );
      await reader.rollbackTransaction();
      await source.query('ALTER SEQUENCE orders.outbox_seq_seq RESTART WITH 1');
      await eventually(
        async () => {
          floor.saw(Array.from({ length: MANY }, () => Infinity));
          await floor.rise();
          expect(floor.above()).toBe(0);
        },
        { within: 60_000 },
      );
    } finally {
      if (reader.isTransactionActive) await reader.rollbackTransaction();
      await reader.release();
    }
  });

  it('is given up when a row below it is seen', async () => {
    await busy();
    await eventually(
      async () => {
        await busy();
        expect(floor.above()).toBeGreaterThan(0);
      },
      { within: 60_000, every: 300 },
    );
    floor.saw([1]);
    expect(floor.above()).toBe(0);
  });
});
