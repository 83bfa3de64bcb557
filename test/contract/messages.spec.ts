import { connect } from 'amqplib';
import { v7 } from 'uuid';
import { Failure, unavailable } from '../../src/failure.js';
import type { Handle } from '../../src/messaging/handlers.js';
import { eventually } from '../support/eventually.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import { logging, Note, Noted, ToyHouse } from '../support/toy-house.js';

const database = useDatabase();
const vhost = useVhost();

beforeAll(() => ToyHouse.tables(database.url));

describe.each(['local', 'rabbitmq'] as const)('messages over the %s carrier', (carrier) => {
  const houses: ToyHouse[] = [];
  const open = async (handle: Record<string, Record<string, Handle>>): Promise<ToyHouse> => {
    const house = await ToyHouse.open(database.url, carrier === 'rabbitmq' ? vhost.url : undefined, handle);
    houses.push(house);
    return house;
  };
  const series = (key: string, length: number): Note[] => Array.from({ length }, (_, i) => ({ key, n: i + 1 }));

  afterEach(async () => {
    const [house] = houses;
    if (house)
      for (const table of ['beta.log', 'beta.inbox', 'alpha.outbox', 'beta.outbox'])
        await house.source.query(`DELETE FROM ${table}`);
    await Promise.all(houses.splice(0).map((h) => h.close()));
  });

  it('handles a committed command once, and none of a transaction that was rolled back', async () => {
    const house = await open({ beta: { 'beta.note': logging() } });
    const lost = house.database.transaction(async (tx) => {
      house.traffic.of('alpha').outbox.send(tx, Note, [{ key: 'a', n: 99 }]);
      throw new Error('changed my mind');
    });
    await expect(lost).rejects.toThrow('changed my mind');
    await house.send([{ key: 'a', n: 1 }]);
    await eventually(async () => expect(await house.log()).toEqual([{ key: 'a', n: 1, process: 'one' }]));
  });

  it('always goes through the outbox: nothing is handled inside the transaction of the sender', async () => {
    let sending = true;
    let handledWhileSending = false;
    const house = await open({ beta: { 'beta.note': logging('one', () => void (handledWhileSending ||= sending)) } });
    await house.database.transaction(async (tx) => {
      house.traffic.of('alpha').outbox.send(tx, Note, [{ key: 'a', n: 1 }]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      sending = false;
    });
    await eventually(async () => expect(await house.log()).toHaveLength(1));
    expect(handledWhileSending).toBe(false);
  });

  it('keeps the order of each key over many sets', async () => {
    const house = await open({ beta: { 'beta.note': logging() } });
    const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`);
    for (let n = 1; n <= 25; n++) await house.send(keys.map((key) => ({ key, n })));
    const log = await eventually(async () => {
      const rows = await house.log();
      expect(rows).toHaveLength(500);
      return rows;
    });
    for (const key of keys)
      expect(log.filter((r) => r.key === key).map((r) => r.n)).toEqual(series(key, 25).map((s) => s.n));
  });

  it('handles a message once that arrives three times', async () => {
    const house = await open({ beta: { 'beta.note': logging() } });
    const id = v7();
    const again = { route: 'internal:beta', key: 'a', type: 'beta.note', id, headers: null, body: '{"key":"a","n":1}' };
    for (let i = 0; i < 3; i++) {
      await house.database.transaction(async (tx) => house.traffic.of('alpha').outbox.write(tx, [again]));
      await eventually(async () => expect(await house.source.query('SELECT 1 FROM alpha.outbox')).toHaveLength(0));
    }
    await house.send([{ key: 'a', n: 2 }]);
    await eventually(async () => expect((await house.log()).map((r) => r.n)).toEqual([1, 2]));
  });

  it('tries a message again that met a surprise, holding back its own key and nothing else', async () => {
    let failures = 0;
    const surprise = (note: Note): void => {
      if (note.key === 'bad' && note.n === 2 && ++failures <= 3) throw new Error('a surprise');
    };
    const house = await open({ beta: { 'beta.note': logging('one', surprise) } });
    await house.send([...series('bad', 3), ...series('good', 3)]);
    const log = await eventually(
      async () => {
        const rows = (await house.log()).map(({ key, n }) => `${key} ${n}`);
        expect(rows).toHaveLength(6);
        return rows;
      },
      { within: 30_000 },
    );
    expect(log.filter((row) => row.startsWith('bad'))).toEqual(['bad 1', 'bad 2', 'bad 3']);
    expect(log.slice(0, log.indexOf('bad 2')).sort()).toEqual(['bad 1', 'good 1', 'good 2', 'good 3']);
    expect(failures).toBeGreaterThanOrEqual(3);
    expect(await house.inbox()).toEqual([]);
  });

  it('parks a refused message with its reason, in its place: its key waits, every other flows', async () => {
    const refusing: Handle = async (messages, reception) => {
      const refused = (note: Note) => note.key === 'bad' && note.n === 2;
      await logging()(
        messages.filter((m) => !refused(m.body as Note)),
        reception,
      );
      return messages.map((m) =>
        refused(m.body as Note) ? new Failure('conflict', 'story-bug', 'cannot be') : undefined,
      );
    };
    const house = await open({ beta: { 'beta.note': refusing } });
    await house.send([...series('bad', 4), ...series('good', 4)]);
    await eventually(async () => expect(await house.log()).toHaveLength(5));
    await eventually(async () =>
      expect((await house.inbox()).map((r) => [r.key, r.state, r.code])).toEqual([
        ['bad', 'parked', 'story-bug'],
        ['bad', 'waiting', null],
        ['bad', 'waiting', null],
      ]),
    );
    await house.send([{ key: 'bad', n: 5 }]);
    await eventually(async () => expect(await house.inbox()).toHaveLength(4));
    expect((await house.log()).filter((r) => r.key === 'bad').map((r) => r.n)).toEqual([1]);
  });

  it('never parks a message for a dependency that is away', async () => {
    let away = true;
    const waiting: Handle = async (messages, reception) => {
      if (away) return messages.map(() => unavailable('away', 'not now'));
      return logging()(messages, reception);
    };
    const house = await open({ beta: { 'beta.note': waiting } });
    await house.send(series('a', 3));
    await eventually(async () =>
      expect((await house.inbox()).map((r) => r.state)).toEqual(['retry', 'waiting', 'waiting']),
    );
    away = false;
    await eventually(async () => expect((await house.log()).map((r) => r.n)).toEqual([1, 2, 3]), { within: 30_000 });
  });

  it('brings an event to the module that hears it', async () => {
    const heard: number[] = [];
    const hears: Handle = async (messages) => void heard.push(...messages.map((m) => (m.body as Note).n));
    const house = await open({ alpha: { 'beta.noted.v1': hears } });
    await house.database.transaction(async (tx) => house.traffic.of('beta').outbox.publish(tx, Noted, series('a', 2)));
    await eventually(() => expect(heard).toEqual([1, 2]));
  });

  it('parks a command that nobody here knows', async () => {
    const house = await open({ alpha: {} });
    await house.send([{ key: 'a', n: 1 }]);
    await eventually(async () =>
      expect(await house.inbox()).toMatchObject([{ state: 'parked', code: 'unknown-type' }]),
    );
  });

  it('shares the work of two replicas without handling anything twice or out of order', async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 2));
    const first = await open({ beta: { 'beta.note': logging('one', slow) } });
    await open({ beta: { 'beta.note': logging('two', slow) } });
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
    for (let n = 1; n <= 10; n++) await houses[n % 2]!.send(keys.map((key) => ({ key, n })));
    const log = await eventually(
      async () => {
        const rows = await first.log();
        expect(rows).toHaveLength(400);
        return rows;
      },
      { within: 20_000 },
    );
    for (const key of keys) expect(log.filter((r) => r.key === key)).toHaveLength(10);
  });
});

describe('traffic between modules', () => {
  it('parks what is not signed, and holds nothing back for it', async () => {
    const house = await ToyHouse.open(database.url, vhost.url, { beta: { 'beta.note': logging() } });
    await house.send([{ key: 'a', n: 1 }]);
    await eventually(async () => expect(await house.log()).toHaveLength(1));
    const connection = await connect(vhost.url);
    const channel = await connection.createConfirmChannel();
    const forged =
      '{"messages":[{"id":"01990000-0000-7000-8000-00000000000f","type":"beta.note","key":"a","body":{"key":"a","n":7}}]}';
    channel.publish('sanmon.internal', 'beta', Buffer.from(forged), { headers: { 'sanmon-signature': 'x' } });
    await channel.waitForConfirms();
    await connection.close();
    await eventually(async () =>
      expect(await house.inbox()).toMatchObject([{ key: null, state: 'parked', code: 'unsigned' }]),
    );
    await house.send([{ key: 'a', n: 2 }]);
    await eventually(async () => expect((await house.log()).map((r) => r.n)).toEqual([1, 2]));
    await house.close();
  });
});
