import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { Database } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import { Memory } from '../../src/messaging/memory.js';
import { useDatabase } from '../support/fixtures.js';

const database = useDatabase();
let source: DataSource;
beforeAll(async () => {
  source = await dataSourceFor(database.url, [], 4).initialize();
});
afterAll(() => source?.destroy());

const RETENTION_DAYS = 5;
const remember = () => new Memory('orders', new Database(source), RETENTION_DAYS).step();
const count = async (what: string): Promise<number> => {
  const [row] = await source.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM ${what}`);
  return row!.n;
};
const partitions = async (): Promise<string[]> => {
  const rows = await source.query<{ name: string }[]>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'orders.seen'::regclass ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};
const day = (offset: number): string =>
  new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');

it('drops the days it may forget and no other, and makes those to come', async () => {
  for (const age of [RETENTION_DAYS + 3, RETENTION_DAYS + 2, RETENTION_DAYS + 1, RETENTION_DAYS])
    await source.query(
      `CREATE TABLE orders.seen_${day(-age)} PARTITION OF orders.seen FOR VALUES FROM ('${day(-age)}') TO ('${day(1 - age)}')`,
    );
  await remember();
  expect(await partitions()).toEqual([
    ...[RETENTION_DAYS + 1, RETENTION_DAYS].map((age) => `seen_${day(-age)}`),
    ...[-1, 0, 1, 2, 3].map((ahead) => `seen_${day(ahead)}`),
    'seen_otherwise',
  ]);
});

it('forgets old keys and refusals however many there are, keeps the young ones, and never a parked message', async () => {
  await source.query(
    `INSERT INTO orders.idempotency_keys (principal, operation, key, fingerprint, outcome, at)
     SELECT 'key:shop', 'orders.place', n::text, '', '{}', now() - CASE WHEN n <= 45000 THEN interval '121 hours' ELSE interval '119 hours' END
       FROM generate_series(1, 45100) n`,
  );
  await source.query(
    `INSERT INTO orders.inbox (lane, type, message_id, state, at)
     SELECT -1, 'orders.place', gen_random_uuid(), s, now() - interval '121 hours' FROM unnest(ARRAY['refused', 'parked']) s`,
  );
  await remember();
  expect(await count('orders.idempotency_keys')).toBe(100);
  expect(await count(`orders.inbox WHERE state = 'parked'`)).toBe(1);
  expect(await count(`orders.inbox WHERE state = 'refused'`)).toBe(0);
});

it('does not stand in the way of intake while a back-up reads the marks: it comes again', async () => {
  const backup = new Client({ connectionString: database.url });
  await backup.connect();
  try {
    await source.query(
      `CREATE TABLE orders.seen_20200101 PARTITION OF orders.seen FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')`,
    );
    await backup.query('BEGIN; LOCK TABLE orders.seen IN ACCESS SHARE MODE');
    const began = performance.now();
    await remember();
    expect(performance.now() - began).toBeLessThan(4_500);
    expect(await partitions()).toContain('seen_20200101');
    await backup.query('ROLLBACK');
    await remember();
    expect(await partitions()).not.toContain('seen_20200101');
  } finally {
    await backup.end();
  }
});
