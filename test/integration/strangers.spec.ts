import { v7 } from 'uuid';
import { Allowance } from '../../src/messaging/inbox/allowance.js';
import { type Stranger, Strangers } from '../../src/messaging/inbox/strangers.js';
import { useDatabase } from '../support/fixtures.js';
import { ToyHouse } from '../support/toy-house.js';

let house: ToyHouse;
// Before the database's own: hooks of one kind run in this order, and the house must not outlive its database.
afterAll(() => house.close());
const database = useDatabase();

beforeAll(async () => {
  await ToyHouse.tables(database.url);
  house = await ToyHouse.open(database.url, undefined, {});
});
beforeEach(() => house.source.query('DELETE FROM beta.inbox'));

const refused = (principal: string, length: number, more: Partial<Stranger> = {}): Stranger[] =>
  Array.from({ length }, () => ({
    id: v7(),
    type: 'beta.do',
    principal,
    code: 'invalid',
    reason: 'It is wrong.',
    content: Buffer.from('{}'),
    headers: {},
    ...more,
  }));
const strangers = new Strangers('beta', new Allowance('beta', 10, 1_000_000));
const refuse = (some: Stranger[]) => house.database.transaction((tx) => strangers.refuse(tx, some));
const rows = (principal: string) =>
  house.source.query<{ code: string; attempts: number; reason: string; headers: string; kept: number }[]>(
    `SELECT code, attempts, reason, headers, length(raw) AS kept FROM beta.inbox WHERE principal = $1 ORDER BY seq`,
    [principal],
  );

it('keeps so many refused messages of one principal, then counts them in one row; others have their own allowance', async () => {
  await refuse([...refused('flood', 8), ...refused('other', 3)]);
  await refuse(refused('flood', 8));
  await refuse([...refused('flood', 5), ...refused('other', 1)]);
  const flood = await rows('flood');
  expect(flood.filter((r) => r.code === 'invalid')).toHaveLength(10);
  const [tally, ...more] = flood.filter((r) => r.code === 'too-many-refused');
  expect(tally).toMatchObject({ attempts: 11, reason: expect.stringContaining('The last: beta.do, invalid') });
  expect(more).toEqual([]);
  expect(await rows('other')).toHaveLength(4);
});

it('has room again for a principal whose messages were taken out', async () => {
  await refuse(refused('flood', 12));
  await house.source.query(
    `DELETE FROM beta.inbox WHERE seq IN (SELECT seq FROM beta.inbox WHERE code = 'invalid' LIMIT 4)`,
  );
  await refuse(refused('flood', 2));
  expect((await rows('flood')).filter((r) => r.code === 'invalid')).toHaveLength(8);
});

it('bounds the bytes as well as the number', async () => {
  await refuse(refused('large', 2, { content: Buffer.alloc(700_000) }));
  await refuse(refused('large', 2));
  expect((await rows('large')).map((r) => r.code)).toEqual(['invalid', 'invalid', 'too-many-refused']);
});

it('counts once when two processes begin to count at the same time', async () => {
  await refuse(refused('flood', 10));
  await Promise.all(Array.from({ length: 8 }, () => refuse(refused('flood', 3))));
  expect((await rows('flood')).filter((r) => r.code === 'too-many-refused')).toMatchObject([{ attempts: 24 }]);
});

it('keeps of a body over 1 MiB the beginning, the length and the hash, and of huge headers the beginning', async () => {
  await refuse(
    refused('huge', 1, { content: Buffer.alloc(20 * 1024 * 1024, 'x'), headers: { much: 'h'.repeat(100_000) } }),
  );
  const [row] = await rows('huge');
  expect(row!.kept).toBe(64 * 1024);
  expect(row!.headers.length).toBeLessThan(20_000);
  expect(JSON.parse(row!.headers)).toMatchObject({ 'sanmon-length': 20 * 1024 * 1024 });
});
