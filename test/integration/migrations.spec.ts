import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Client } from 'pg';
import { accessStorage } from '../../src/access/access.storage.js';
import { STORAGES } from '../../src/app.module.js';
import { dataSourceFor, opened, type Storage } from '../../src/database/data-sources.js';
import { buildIndex } from '../../src/database/indexes.js';
import { migrate, MIGRATION_LOCK, newerThan } from '../../src/database/migrate.js';
import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, rig } from '../support/fixtures.js';
import { createDatabase, dropDatabase, rowsOf } from '../support/postgres.js';
import { HouseProcess } from '../support/process.js';

const storages = [accessStorage, ...Object.values(STORAGES)];
const names = storages.flatMap(({ migrations }) => migrations.map(({ name }) => name));

it('three instances that start at once on an empty database: one migrates, the others wait, say so, and are ready', async () => {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const url = await createDatabase(rig().postgres, name);
  const holder = new Client({ connectionString: url });
  await holder.connect();
  const houses: HouseProcess[] = [];
  try {
    // So that all three meet the lock, however much later than the first the others are.
    await holder.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    for (let i = 0; i < 3; i++) houses.push(await HouseProcess.prepared({ DATABASE_URL: url, LOG_LEVEL: 'info' }));
    for (const house of houses) house.launch();
    for (const house of houses)
      await eventually(() => expect(house.output).toContain('another process brings this database up to date'), {
        within: 60_000,
      });
    expect(await rowsOf(url, `SELECT 1 FROM pg_tables WHERE tablename = 'sanmon_migrations'`)).toEqual([]);
    await holder.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    await Promise.all(houses.map((house) => house.ready()));
    const migrated = houses.filter(({ output }) => output.includes('migrated: ')).map(({ output }) => output);
    expect(migrated).toHaveLength(1);
    for (const one of names) expect(migrated[0]).toContain(one);
    const rows = await rowsOf<{ name: string }>(url, 'SELECT name FROM sanmon_migrations');
    expect(rows.map((row) => row.name).sort()).toEqual([...names].sort());
  } finally {
    await Promise.all(houses.map((house) => house.kill()));
    await holder.end();
    await dropDatabase(rig().postgres, name);
  }
});

describe('a database that a newer version has migrated', () => {
  let url: string;
  beforeAll(async () => {
    url = await cloneDatabase();
    await rowsOf(
      url,
      `INSERT INTO sanmon_migrations (timestamp, name) VALUES (4102444800000, 'PaymentsNewer4102444800000')`,
    );
  });
  afterAll(() => dropClone(url));

  it('is refused at the start, with the name of what is not known, and nothing is changed', async () => {
    const house = await HouseProcess.prepared({ DATABASE_URL: url });
    house.launch();
    await eventually(() => expect(house.running).toBe(false), { within: 60_000 });
    expect(house.output).toContain('Sanmon cannot start: a newer version has changed this database, by PaymentsNewer');
    expect(await house.stop()).toBe(1);
  });

  it('is opened by a process without the module that is newer', async () => {
    const own = [accessStorage, STORAGES.orders];
    const source = await opened(dataSourceFor(url, own), own);
    await source.destroy();
    await expect(opened(dataSourceFor(url, [STORAGES.payments]), [STORAGES.payments])).rejects.toThrow('newer version');
  });
});

it('knows its own migrations by the name of their schema, so that a newer one is told from that of another module', () => {
  for (const storage of storages) {
    expect(newerThan(storage, names)).toEqual([]);
    expect(newerThan({ ...storage, migrations: [] }, names)).toEqual(storage.migrations.map(({ name }) => name));
  }
});

/**
 * What a version that still runs would trip over: it inserts without the new column, and reads what is taken away. An
 * index that goes changes no answer of it, only how soon that comes.
 */
const TAKES_AWAY =
  /\bDROP (?!INDEX)|\bRENAME\b|\bALTER COLUMN\b|\bSET NOT NULL\b|ADD COLUMN (?:(?!DEFAULT|,|$).)*NOT NULL(?!.*DEFAULT)/i;

it.each(storages.map(({ schema, migrations }) => [schema, migrations] as const))(
  'the migrations of %s only add, so that the version before goes on beside this one',
  async (_schema, migrations) => {
    const statements: string[] = [];
    const runner = { query: (text: string) => Promise.resolve(void statements.push(text)) };
    // The first one makes the schema out of nothing.
    for (const Migration of migrations.slice(1)) await new Migration().up(runner as unknown as QueryRunner);
    expect(statements.filter((text) => TAKES_AWAY.test(text))).toEqual([]);
    expect('ALTER TABLE orders.orders ADD COLUMN x text NOT NULL').toMatch(TAKES_AWAY);
    expect('ALTER TABLE orders.orders ADD COLUMN x text NOT NULL DEFAULT 1').not.toMatch(TAKES_AWAY);
  },
);

it.each(storages.map(({ schema, migrations }) => [schema, migrations] as const))(
  'the migrations of %s make and drop indexes of tables in use without keeping anybody from writing',
  async (_schema, migrations) => {
    for (const Migration of migrations.slice(1)) {
      const migration = new Migration();
      const statements: string[] = [];
      const runner = { query: (text: string) => Promise.resolve(void statements.push(text)) };
      await migration.up(runner as unknown as QueryRunner);
      const all = statements.join(';');
      const made = [...all.matchAll(/CREATE TABLE (\S+)/g)].map(([, table]) => table!);
      // An inbox holds only what waits: its index is made at once.
      const small = new RegExp(`ON (\\S+\\.inbox|${made.join('|') || 'nothing'})\\b`);
      const indexes = [...all.matchAll(/(CREATE|DROP) INDEX[^;]*/g)]
        .map(([text]) => text)
        .filter((text) => !small.test(text));
      expect(indexes.filter((text) => !text.includes('CONCURRENTLY'))).toEqual([]);
      if (indexes.length > 0) expect(migration.transaction).toBe(false);
    }
  },
);

describe('a migration of a table in use', () => {
  let url: string;
  const clients: Client[] = [];
  const connected = async (settings = ''): Promise<Client> => {
    const client = new Client({ connectionString: url });
    clients.push(client);
    await client.connect();
    if (settings) await client.query(settings);
    return client;
  };
  beforeEach(async () => {
    url = await cloneDatabase();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await dropClone(url);
  });

  class OrdersTaste1900000000001 implements MigrationInterface {
    up = (runner: QueryRunner): Promise<void> => runner.query('ALTER TABLE orders.orders ADD COLUMN taste text');
    down = (): Promise<void> => Promise.resolve();
  }
  class OrdersSmell1900000000002 implements MigrationInterface {
    readonly transaction = false;
    up = (runner: QueryRunner): Promise<void> => buildIndex(runner, 'orders.smell_idx', 'orders.orders (note)');
    down = (): Promise<void> => Promise.resolve();
  }
  const plus = (migration: new () => MigrationInterface): Storage[] => [
    { ...STORAGES.orders, migrations: [...STORAGES.orders.migrations, migration] },
  ];

  it('lets others pass again and again while a report holds the table, and is made when that ends', async () => {
    const report = await connected();
    await report.query('BEGIN; SELECT count(*) FROM orders.orders');
    // Longer than the migration waits each time, much shorter than the report takes.
    const buyer = await connected('SET statement_timeout = 4000');
    const said: string[] = [];
    const own = plus(OrdersTaste1900000000001);
    const source = await dataSourceFor(url, own, 2).initialize();
    const migrated = migrate(source, own, (sentence) => said.push(sentence));
    await eventually(() => expect(said.join()).toContain('a migration waits for others to let go'));
    for (let turn = 0; turn < 8; turn++) {
      await buyer.query('SELECT id FROM orders.orders FOR UPDATE');
      await sleep(200);
    }
    expect(await rowsOf(url, `SELECT 1 FROM pg_attribute WHERE attname = 'taste'`)).toEqual([]);
    await report.query('COMMIT');
    expect(await migrated).toEqual(['OrdersTaste1900000000001']);
    await source.destroy();
  });

  it('makes an index beside open writes and beside others that wait to migrate, also one that was begun before', async () => {
    await rowsOf(url, 'CREATE INDEX smell_idx ON orders.orders (id)');
    const writer = await connected();
    await writer.query('BEGIN; SELECT id FROM orders.orders FOR UPDATE');
    const own = plus(OrdersSmell1900000000002);
    const sources = await Promise.all([1, 2, 3].map(() => dataSourceFor(url, own, 2).initialize()));
    const said: string[] = [];
    const all = sources.map((source) => migrate(source, own, (sentence) => said.push(sentence)));
    await eventually(() => expect(said.filter((one) => one.startsWith('another process'))).toHaveLength(2));
    await writer.query('UPDATE orders.orders SET note = note; COMMIT');
    expect((await Promise.all(all)).flat()).toEqual(['OrdersSmell1900000000002']);
    const index = `SELECT indisvalid AS valid, pg_get_indexdef(indexrelid) AS text FROM pg_index WHERE indexrelid = 'orders.smell_idx'::regclass`;
    expect(await rowsOf(url, index)).toEqual([{ valid: true, text: expect.stringMatching(/\(note\)$/) }]);
    await Promise.all(sources.map((source) => source.destroy()));
  });
});
