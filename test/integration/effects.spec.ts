import { setTimeout as sleep } from 'node:timers/promises';
import type { Effect, EffectKind, Said } from '../../src/messaging/effects/effect.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';
import { ToyHouse } from '../support/toy-house.js';

const houses: ToyHouse[] = [];
const database = useDatabase();
beforeAll(() => ToyHouse.tables(database.url));
afterEach(async () => {
  await houses[0]!.source.query('DELETE FROM beta.effects');
  await Promise.all(houses.splice(0).map((house) => house.close()));
});

interface Tried {
  process: string;
  key: string;
  token: number;
  at: number;
}

/** A kind of effect whose attempts and settlements are written down. */
class Ring implements EffectKind<object, string> {
  readonly kind = 'ring';
  readonly concurrency = 64;
  readonly timeoutMs = 1_000;
  readonly tried: Tried[] = [];
  readonly settled: string[] = [];

  constructor(
    private readonly process: string,
    private readonly say: (effect: Effect<object>) => Promise<Said<string>>,
  ) {}

  async attempt(effect: Effect<object>): Promise<Said<string>> {
    this.tried.push({ process: this.process, key: effect.key, token: effect.token, at: Date.now() });
    return this.say(effect);
  }

  async settle(_tx: unknown, settled: { result: string }[]): Promise<void> {
    this.settled.push(...settled.map((s) => s.result));
  }

  delay(): number {
    return 30_000;
  }
}

const open = async (kind: Ring): Promise<ToyHouse> => {
  const house = await ToyHouse.open(database.url, undefined, {});
  house.traffic.of('beta').effects.register(kind);
  houses.push(house);
  return house;
};
const start = (house: ToyHouse, length: number) =>
  house.database.transaction(async (tx) =>
    house.traffic.of('beta').effects.start(
      tx,
      'ring',
      Array.from({ length }, (_, i) => ({ key: `k${i}`, body: {} })),
    ),
  );

const openIn = async (house: ToyHouse): Promise<number> =>
  (await house.source.query<{ n: number }[]>('SELECT count(*)::int AS n FROM beta.effects'))[0]!.n;

it('runs an effect in the process that decided on it; whoever sweeps takes it only when the lease is over, and the late answer counts for nothing', async () => {
  const answers: ((said: Said<string>) => void)[] = [];
  const asked = () => new Promise<Said<string>>((resolve) => answers.push(resolve));
  const [one, two] = [new Ring('first', asked), new Ring('second', asked)];
  const first = await open(one);
  const second = await open(two);
  const began = Date.now();
  await start(first, 1);
  await eventually(() => expect(one.tried).toMatchObject([{ token: 1 }]));
  // Either of the two may find it: the sweep does not know whose it was.
  const again = () => [...one.tried.slice(1), ...two.tried];
  await eventually(() => expect(again()).toMatchObject([{ token: 2 }]), { within: 30_000 });
  // A lease is the time of one attempt and 5 s more.
  expect(again()[0]!.at - began).toBeGreaterThanOrEqual(5_900);
  answers[0]!({ done: 'late' });
  // A moment for the late one to be believed, were it believed.
  await eventually(async () => expect(await openIn(first)).toBe(1));
  expect([...one.settled, ...two.settled]).toEqual([]);
  answers[1]!({ done: 'in time' });
  await first.traffic.of('beta').effects.stop();
  await second.traffic.of('beta').effects.stop();
  expect([...one.settled, ...two.settled]).toEqual(['in time']);
});

it('believes one of two answers to the same effect that come together', async () => {
  const answers: ((said: Said<string>) => void)[] = [];
  const kind = new Ring('one', () => new Promise<Said<string>>((resolve) => answers.push(resolve)));
  const house = await open(kind);
  await start(house, 1);
  // The sweep of the same process finds it when its lease is over: nobody has answered yet.
  await eventually(() => expect(answers).toHaveLength(2), { within: 30_000 });
  answers[0]!({ done: 'late' });
  answers[1]!({ done: 'in time' });
  await house.traffic.of('beta').effects.stop();
  expect(kind.settled).toEqual(['in time']);
});

it('claims what is due once, however many processes sweep', async () => {
  const kinds = ['one', 'two', 'three'].map((name) => new Ring(name, async () => ({ done: name })));
  const [house] = await Promise.all(kinds.map(open));
  await house!.source.query(
    `INSERT INTO beta.effects (kind, key, body, lease) SELECT 'ring', 'k' || i, '{}', now() FROM generate_series(1, 600) i`,
  );
  await eventually(() => expect(kinds.flatMap((k) => k.settled)).toHaveLength(600), { within: 20_000 });
  expect(kinds.flatMap((k) => k.tried)).toHaveLength(600);
});

it('works off a backlog as fast as it runs, not one room each time the sweep wakes by itself', async () => {
  const kind = new Ring('one', async () => {
    await sleep(1 + (kind.tried.length % 5));
    return { done: 'one' };
  });
  const house = await open(kind);
  // By the poll alone, which comes each second, these would take more than half a minute.
  await house.source.query(
    `INSERT INTO beta.effects (kind, key, body, lease) SELECT 'ring', 'k' || i, '{}', now() FROM generate_series(1, 2500) i`,
  );
  await eventually(() => expect(kind.settled).toHaveLength(2_500), { within: 25_000 });
  expect(kind.tried).toHaveLength(2_500);
});

it('probes a dependency that is away every five seconds, and makes everything due at once when it answers', async () => {
  let away = true;
  const kind = new Ring('one', async () => (away ? { again: 'nobody answers' } : { done: 'answered' }));
  const house = await open(kind);
  await start(house, 40);
  await eventually(() => expect(kind.tried).toHaveLength(40));
  await eventually(() => expect(kind.tried.length).toBeGreaterThanOrEqual(41), { within: 20_000 });
  // Probes, one at a time, and not all of them.
  expect(kind.tried.length).toBeLessThanOrEqual(45);
  away = false;
  // Each of them would have waited for 30 s.
  await eventually(() => expect(kind.settled).toHaveLength(40), { within: 20_000 });
});

it('raises the alarm for what is tried in vain for five minutes', async () => {
  const away = new Ring('one', async () => ({ again: 'nobody answers' }));
  const house = await open(away);
  expect(house.traffic.of('beta').overdue.found).toBe(0);
  await house.source.query(
    `INSERT INTO beta.effects (kind, key, body, lease, attempts, first_at)
     VALUES ('ring', 'k', '{}', now() + interval '1 hour', 9, now() - interval '6 minutes')`,
  );
  // Everybody looks at the start, then every 10 s.
  const other = await open(away);
  await eventually(() => expect(other.traffic.of('beta').overdue.found).toBe(1), { within: 30_000 });
  await other.source.query('DELETE FROM beta.effects');
  await eventually(() => expect(other.traffic.of('beta').overdue.found).toBe(0), { within: 30_000 });
});

it('leases to a process no more than it can begin soon; the others are due for whoever has room', async () => {
  let answer: (said: Said<string>) => void = () => undefined;
  const hanging = new Promise<Said<string>>((resolve) => (answer = resolve));
  const busy = new Ring('busy', () => hanging);
  const first = await open(busy);
  await start(first, 500);
  const due = async () =>
    (await first.source.query<{ n: number }[]>('SELECT count(*)::int AS n FROM beta.effects WHERE lease <= now()'))[0]!
      .n;
  // It runs 64 at once, and keeps ready what begins within 2 s if a call takes half a second.
  expect(await due()).toBe(500 - 5 * 64);
  const free = new Ring('free', async () => ({ done: 'free' }));
  await open(free);
  await eventually(() => expect(free.settled.length).toBeGreaterThanOrEqual(500 - 5 * 64), { within: 20_000 });
  // Nobody had these before, so nobody need ask what became of them; the leases of the others end six seconds after the start.
  const had = (key: string) => Number(key.slice(1)) < 5 * 64;
  expect(new Set(free.tried.filter(({ key }) => !had(key)).map(({ token }) => token))).toEqual(new Set([1]));
  answer({ done: 'busy' });
  await eventually(() => expect(busy.settled.length + free.settled.length).toBe(500), { within: 20_000 });
  expect(busy.settled.length).toBeGreaterThanOrEqual(64 - free.tried.filter(({ key }) => had(key)).length);
});
