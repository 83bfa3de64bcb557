import { v7 } from 'uuid';
import type { Handle } from '../../src/messaging/handlers.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';
import { rowsOf } from '../support/postgres.js';
import { logging, type Note, ToyHouse } from '../support/toy-house.js';

const database = useDatabase();
let house: ToyHouse | undefined;
beforeAll(() => ToyHouse.tables(database.url));
afterEach(async () => {
  for (const table of ['beta.log', 'beta.inbox']) await house?.source.query(`DELETE FROM ${table}`);
  await house?.close();
  house = undefined;
});

/** Leaves messages with so many attempts in the inbox, as a process did that is gone, and begins another. */
async function inherit(left: [key: string, attempts: number][], handle: Handle): Promise<ToyHouse> {
  for (const [i, [key, attempts]] of left.entries())
    await rowsOf(
      database.url,
      `INSERT INTO beta.inbox (lane, key, type, message_id, state, attempts, body, at)
       VALUES (0, '${key}', 'beta.note', '${v7()}', 'ready', ${attempts}, '${JSON.stringify({ key, n: i })}', now() - interval '1 hour')`,
    );
  return (house = await ToyHouse.open(database.url, undefined, { beta: { 'beta.note': handle } }));
}

/** Remembers which keys came together, and what the inbox said of their attempts to everybody else meanwhile. */
function watching(): { sets: string[][]; attempts: number[][]; handle: Handle } {
  const [sets, attempts]: [string[][], number[][]] = [[], []];
  const handle: Handle = async (messages, reception) => {
    sets.push(messages.map(({ key }) => key));
    const rows = await house!.source.query<{ attempts: number }[]>('SELECT attempts FROM beta.inbox ORDER BY seq');
    attempts.push(rows.map((row) => row.attempts));
    return logging()(messages, reception);
  };
  return { sets, attempts, handle };
}

const handled = async (): Promise<string[]> => (await house!.log()).map(({ key }) => key);

it('is handled as a set the first time, and its attempt is counted before it is made', async () => {
  const { sets, attempts, handle } = watching();
  await inherit(
    ['a', 'b', 'c'].map((key) => [key, 0]),
    handle,
  );
  await eventually(async () => expect(await handled()).toEqual(['a', 'b', 'c']));
  expect([sets, attempts]).toEqual([[['a', 'b', 'c']], [[1, 1, 1]]]);
});

it('is alone from the second time on, the least tried first', async () => {
  const { sets, attempts, handle } = watching();
  await inherit(
    [
      ['a', 4],
      ['b', 1],
      ['c', 2],
    ],
    handle,
  );
  await eventually(async () => expect(await handled()).toEqual(['b', 'c', 'a']));
  expect([sets, attempts]).toEqual([
    [['b'], ['c'], ['a']],
    [[4, 2, 2], [4, 3], [5]],
  ]);
});

it('does not overtake what was left before it of its own key', async () => {
  const { sets, handle } = watching();
  await inherit(
    [
      ['a', 3],
      ['a', 0],
      ['b', 0],
    ],
    handle,
  );
  await eventually(async () => expect((await house!.log()).map(({ n }) => n)).toEqual([2, 0, 1]));
  expect(sets).toEqual([['b'], ['a'], ['a']]);
});

it('is set aside when six attempts left no trace, and is not tried again', async () => {
  const { sets, handle } = watching();
  await inherit(
    [
      ['deadly', 6],
      ['neighbour', 1],
    ],
    handle,
  );
  await eventually(async () =>
    expect(await house!.inbox()).toMatchObject([{ key: 'deadly', state: 'parked', code: 'process-ended' }]),
  );
  expect(sets).toEqual([['neighbour']]);
});

it('is counted once when it fails without ending anybody', async () => {
  let calls = 0;
  await inherit([['a', 0]], async (messages) => {
    calls++;
    throw new Error(`not today, ${(messages[0]!.body as Note).key}`);
  });
  // Once for each call: before we look there may have been another.
  await eventually(async () => {
    const rows = await house!.source.query('SELECT key, state, attempts FROM beta.inbox');
    expect(calls).toBeGreaterThan(0);
    expect(rows).toEqual([{ key: 'a', state: 'retry', attempts: calls }]);
  });
});

it('is stored first where messages go without a broker: what an outbox kept may have ended whoever carried it', async () => {
  await rowsOf(
    database.url,
    `INSERT INTO alpha.outbox (lane, route, key, type, message_id, body, at)
     VALUES (0, 'internal:beta', 'a', 'beta.note', '${v7()}', '{"key":"a","n":1}', now() - interval '1 hour')`,
  );
  const { handle } = watching();
  await inherit([], handle);
  await eventually(async () => expect(await handled()).toEqual(['a']));
  await eventually(() => expect(house!.traffic.of('beta').handled.now).toEqual({ intake: 0, lanes: 1 }));
});
