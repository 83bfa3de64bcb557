import { v7 } from 'uuid';
import { sql } from '../../src/database/statement.js';
import { unavailable } from '../../src/failure.js';
import type { Handle } from '../../src/messaging/handlers.js';
import { Inbox } from '../../src/messaging/inbox/inbox.js';
import type { Message } from '../../src/messaging/message.js';
import { Stored } from '../../src/messaging/inbox/stored.js';
import { judge } from '../../src/messaging/inbox/verdict.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';
import { logging, ToyHouse } from '../support/toy-house.js';

const houses: ToyHouse[] = [];
const database = useDatabase();
beforeAll(async () => {
  await ToyHouse.tables(database.url);
  // Making the partitions of the seen marks waits for whoever writes one, and those after it wait for that.
  const house = await open(logging());
  const lastMade = `'beta.seen_' || to_char(now() AT TIME ZONE 'UTC' + interval '3 days', 'YYYYMMDD')`;
  await eventually(async () =>
    expect(await house.source.query(`SELECT FROM pg_class WHERE oid = to_regclass(${lastMade})`)).toHaveLength(1),
  );
  await houses.pop()!.close();
});
afterEach(async () => {
  for (const table of ['beta.log', 'beta.inbox']) await houses[0]!.source.query(`DELETE FROM ${table}`);
  await Promise.all(houses.splice(0).map((house) => house.close()));
});

const open = async (handle: Handle): Promise<ToyHouse> => {
  const house = await ToyHouse.open(database.url, undefined, { beta: { 'beta.note': handle } });
  houses.push(house);
  return house;
};
const note = (key: string, n: number): Message => ({ id: v7(), type: 'beta.note', key, body: { key, n } });
const handled = async (house: ToyHouse) => (await house.log()).map(({ key, n }) => `${key}${n}`);
const states = async (house: ToyHouse) => (await house.inbox()).map((row) => row.state);

/** When what is tried again is due: not before the test has looked, however slow it is. */
const dueIn = (house: ToyHouse, interval: string) =>
  house.source.query(`UPDATE beta.inbox SET due = now() + $1::interval WHERE state = 'retry'`, [interval]);

/** Something to wait for, and how to let it happen. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

it('stores a message behind the one before it that fails in that very moment', async () => {
  let failures = 1;
  const [begun, failing] = [gate(), gate()];
  const house = await open(
    logging('one', async ({ n }) => {
      if (n !== 1 || failures-- <= 0) return;
      begun.open();
      await failing.opened;
      throw unavailable('not-now', 'not this time');
    }),
  );
  const { intake } = house.traffic.of('beta');
  await house.database.transaction((tx) => intake.store(tx, [note('a', 1)]));
  await begun.opened;
  await house.database.transaction(async (tx) => {
    // The lane is at work and its lock is held, and storing does not wait for it.
    await intake.store(tx, [note('a', 2)]);
    failing.open();
    await eventually(async () => expect(await states(house)).toEqual(['retry']));
    await dueIn(house, '1 hour');
  });
  await eventually(async () => expect(await states(house)).toEqual(['retry', 'waiting']));
  await dueIn(house, '0');
  await eventually(async () => expect(await handled(house)).toEqual(['a1', 'a2']));
  expect(await house.inbox()).toEqual([]);
});

it('handles nothing past a message that another process is just storing', async () => {
  const house = await open(logging());
  const taking = await open(logging('two'));
  const [first, second] = [note('a', 1), note('a', 2)];
  let other!: Promise<void>;
  await house.database.transaction(async (tx) => {
    await house.traffic.of('beta').intake.store(tx, [first]);
    other = taking.database.transaction((there) => taking.traffic.of('beta').intake.handle(there, [first, second]));
    await eventually(async () => {
      const [{ n }] = await house.source.query<[{ n: number }]>(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'transactionid' AND datname = current_database()`,
      );
      expect(n).toBe(1);
    });
    // The lanes are kept away, so that what was stored is still there when the other one looks.
    await house.traffic.of('beta').inbox.lock(
      tx,
      Array.from({ length: 32 }, (_, lane) => lane),
    );
    await tx.run(sql('test.hold', `UPDATE beta.inbox SET state = 'retry', due = now() + interval '1 hour'`));
  });
  await other;
  expect(await house.log()).toEqual([]);
  await dueIn(house, '0');
  await eventually(async () => expect(await handled(house)).toEqual(['a1', 'a2']));
});

it('does the work of a peer that says it is here and does nothing', async () => {
  const house = await open(logging());
  const beta = house.traffic.of('beta');
  const idle = async () => {
    await house.source.query(`SELECT pg_notify('sanmon', $1)`, [`00000000-0000-7000-8000-000000000000 beta.peers`]);
    expect(beta.peers.alone).toBe(false);
  };
  await eventually(idle);
  expect(beta.peers.share()).toMatchObject({ atMost: 16 });
  const notes = Array.from({ length: 64 }, (_, i) => note(`k${i}-`, 1));
  await house.database.transaction((tx) => beta.intake.store(tx, notes));
  await eventually(
    async () => {
      await idle();
      expect(await house.log()).toHaveLength(64);
    },
    { within: 20_000 },
  );
});

it('divides the lanes so that each has one process, and gives them back when one has left', async () => {
  for (let i = 0; i < 3; i++) await open(logging());
  const shares = houses.map((house) => () => house.traffic.of('beta').peers.share());
  await eventually(() => {
    const own = shares.flatMap((share) => share().own);
    expect([...own].sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, lane) => lane));
    for (const share of shares) expect(share().atMost).toBe(11);
  });
  await Promise.all(houses.splice(1).map((house) => house.close()));
  await eventually(() => expect(shares[0]!()).toMatchObject({ atMost: 32 }), { within: 20_000 });
});

it('keeps the first three and the last twenty errors of a message that is tried for ever, and counts them all', async () => {
  const house = await open(logging());
  const [inbox, stored] = [new Inbox('beta', () => undefined), new Stored('beta')];
  const message = note('a', 1);
  const verdict = (n: number) => ({ ...judge(new Error(`error ${n}`), n - 1, undefined, true), after: 3_600 });
  await house.database.transaction((tx) => inbox.keep(tx, message, verdict(1)));
  type Row = { lane: number; seq: string; attempts: number; errors: { at: string; error: string }[] };
  const row = async () =>
    (await house.source.query<[Row]>('SELECT lane, seq::text, attempts, errors FROM beta.inbox'))[0];
  const { lane, seq } = await row();
  for (let n = 2; n <= 40; n++)
    await house.database.transaction(async (tx) =>
      stored.failed(tx, { ...message, lane, seq, attempts: n - 1, ageMs: 0, inherited: false }, verdict(n)),
    );
  const { attempts, errors } = await row();
  expect(attempts).toBe(40);
  expect(errors.map((e) => Number(e.error.slice('error '.length)))).toEqual([
    1,
    2,
    3,
    ...Array.from({ length: 20 }, (_, i) => 21 + i),
  ]);
});

it('moves a timer once, however many processes look', async () => {
  const [house] = await Promise.all([open(logging('one')), open(logging('two')), open(logging('three'))]);
  const rows = Array.from(
    { length: 1_500 },
    (_, i) => `(now() + interval '300 ms', 'k${i}', 'beta.note', '{"key":"k${i}","n":1}')`,
  );
  await house.source.query(`INSERT INTO beta.timers (due, key, type, body) VALUES ${rows.join(',')}`);
  await eventually(async () => expect(await house.log()).toHaveLength(1_500), { within: 20_000 });
  expect(new Set((await house.log()).map(({ key }) => key)).size).toBe(1_500);
  const [{ n }] = await house.source.query<[{ n: number }]>('SELECT count(*)::int AS n FROM beta.timers');
  expect(n).toBe(0);
});

it('shares what one process sends with another one that carries locally, in the order of each key', async () => {
  const [first, second] = [await open(logging('one')), await open(logging('two'))];
  const both = [first, second].map((house) => house.traffic.of('beta'));
  await eventually(() => expect(both.map(({ peers }) => peers.alone)).toEqual([false, false]));
  const notes = Array.from({ length: 3_000 }, (_, i) => ({ key: `k${i % 64}`, n: Math.floor(i / 64) }));
  await first.send(notes);
  await eventually(async () => expect(await first.log()).toHaveLength(3_000), { within: 30_000 });
  for (const { handled } of both) expect(handled.now.intake).toBeGreaterThanOrEqual(600);
  const last = new Map<string, number>();
  for (const { key, n } of await first.log()) {
    expect(n).toBe((last.get(key) ?? -1) + 1);
    last.set(key, n);
  }
});
