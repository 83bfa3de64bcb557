import { Database } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import { sql } from '../../src/database/statement.js';
import type { Answer, Asked, UseCase } from '../../src/gates/asked.js';
import { Execution } from '../../src/gates/execution.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';

const given = useDatabase();
const NOTE = sql('test.note', 'INSERT INTO public.notes (text) VALUES ($1)');

let one: Database;
let other: Database;
beforeAll(async () => {
  [one, other] = [await open(given.url), await open(given.url)];
  await one.dataSource.query('CREATE TABLE public.notes (text text)');
});
beforeEach(() => one.dataSource.query('TRUNCATE public.notes, orders.idempotency_keys'));
afterAll(() => Promise.all([one, other].map(({ dataSource }) => dataSource.destroy())));

const open = async (url: string): Promise<Database> => new Database(await dataSourceFor(url, []).initialize());

/** A call that notes a text, once, and answers who noted it. */
const call = (key: string | undefined, text = 'a'): Asked<{ text: string }> =>
  ({ operation: { name: 'orders.note' }, command: { text }, by: { name: 'ada' }, key }) as unknown as Asked<{
    text: string;
  }>;

/** Notes, but only when it is let through, so that two processes are within it at one time. */
class Noting implements UseCase<{ text: string }, string> {
  runs = 0;
  private readonly held: (() => void)[] = [];

  constructor(
    private readonly who: string,
    private holds = true,
  ) {}

  handle: UseCase<{ text: string }, string>['handle'] = async (tx, asked) => {
    this.runs++;
    if (this.holds) await new Promise<void>((resolve) => this.held.push(resolve));
    for (const { command } of asked) tx.write(NOTE, [`${command.text} by ${this.who}`]);
    return asked.map(() => this.who);
  };

  async within(): Promise<void> {
    await eventually(() => expect(this.held).toHaveLength(1));
  }

  letThrough(): void {
    this.holds = false;
    this.held.splice(0).forEach((go) => go());
  }
}

const notes = async (): Promise<string[]> =>
  (await one.dataSource.query<{ text: string }[]>('SELECT text FROM public.notes ORDER BY text')).map((r) => r.text);
const told = (answers: Answer<string>[]) => answers.map(({ outcome, replayed }) => ({ outcome, replayed }));

it('two processes that run one key at one moment do it once: the later one answers what the earlier one answered', async () => {
  const [first, second] = [new Noting('first'), new Noting('second')];
  const answers = [
    new Execution('orders', one).run(first, [call('one-key')]),
    new Execution('orders', other).run(second, [call('one-key')]),
  ];
  // Both have looked for the key and found nothing.
  await Promise.all([first.within(), second.within()]);
  first.letThrough();
  expect(told(await answers[0]!)).toEqual([{ outcome: 'first', replayed: false }]);
  second.letThrough();
  expect(told(await answers[1]!)).toEqual([{ outcome: 'first', replayed: true }]);
  expect(await notes()).toEqual(['a by first']);
  expect(second.runs).toBe(1);
});

it('a set in which one key was taken meanwhile does the rest all the same, once', async () => {
  const [first, second] = [new Noting('first', false), new Noting('second')];
  const set = [call('taken'), call('free', 'b'), call(undefined, 'c')];
  const answers = new Execution('orders', other).run(second, set);
  await second.within();
  await new Execution('orders', one).run(first, [call('taken')]);
  second.letThrough();
  expect(told(await answers)).toEqual([
    { outcome: 'first', replayed: true },
    { outcome: 'second', replayed: false },
    { outcome: 'second', replayed: false },
  ]);
  expect(await notes()).toEqual(['a by first', 'b by second', 'c by second']);
});

it('a key that another call holds for long is refused as in use, and nothing is done', async () => {
  const holder = other.dataSource.createQueryRunner();
  await holder.connect();
  await holder.startTransaction();
  await holder.query(
    `INSERT INTO orders.idempotency_keys (principal, operation, key, fingerprint, outcome) VALUES ('ada', 'orders.note', 'held', '', '{}')`,
  );
  try {
    const [answer] = await new Execution('orders', one).run(new Noting('late', false), [call('held')]);
    expect(answer!.outcome).toMatchObject({ kind: 'precondition', code: 'idempotency-key-in-use' });
    expect(await notes()).toEqual([]);
  } finally {
    await holder.rollbackTransaction();
    await holder.release();
  }
  const [again] = await new Execution('orders', one).run(new Noting('late', false), [call('held')]);
  expect(again).toMatchObject({ outcome: 'late', replayed: false });
});
