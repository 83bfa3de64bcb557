import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { announce } from '../support/announce.js';
import { eventually } from '../support/eventually.js';
import { rig } from '../support/fixtures.js';
import { anOrder } from '../support/shop.js';
import { Load } from './rig/load.js';
import { percentile } from './rig/numbers.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';
import { PrimaryAndStandby } from './rig/standby.js';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.strike();
  stage = undefined;
});

it('a synchronous standby is promoted under load (A15): every acknowledged order is there', async () => {
  const pair = await PrimaryAndStandby.start(join(rig().directory, 'pair'));
  try {
    stage = await Stage.set('A15', { replicas: 2, database: pair.primary.url, allBehind: true });
    await stage.stockForLoad();
    const load = new Load(stage, 50);
    await sleep(4_000 + stage.chance.below(2_000));
    stage.ways.database.turn('cut');
    stage.database = await pair.failOver();
    stage.ways.database.retarget(stage.database);
    stage.ways.database.turn('pass');
    const began = performance.now();
    const back = stage.journal.place('after', anOrder('tea', { customerId: 'after' }), stage.anyone);
    expect((await back).result).toBe('ok');
    const ms = Math.round(performance.now() - began);
    await sleep(3_000);
    await load.stop();
    await stage.restartProvider();
    const ended = await stage.check({ mailsAtMost: 2 });
    report('A15', { orders: stage.journal.count('ok'), lost: 0, 'accepts again after ms': ms, 'ended after s': ended });
  } finally {
    await stage?.strike();
    await pair.stop();
  }
}, 180_000);

it(
  'a stranger keeps an old snapshot open (A19): messages flow as before',
  async () => {
    const [rate, held] = [sized({ quick: 40, full: 200 }), sized({ quick: 20_000, full: 900_000 })];
    stage = await Stage.set('A19');
    await stage.stockForLoad();
    const load = new Load(stage, rate);
    await sleep(5_000);
    const before = await oldest(stage, 5_000);
    const stranger = new Client({ connectionString: stage.database });
    await stranger.connect();
    // The embedded server would end such a session after 10 s; a server of somebody else may not.
    await stranger.query('SET idle_in_transaction_session_timeout = 0');
    await stranger.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM orders.orders`);
    const during = await oldest(stage, held);
    await stranger.query('ROLLBACK');
    await stranger.end();
    await load.stop();
    report('A19', {
      ...{ 'held s': held / 1_000, orders: load.sent, 'oldest unsent p99 before ms': percentile(before, 0.99) },
      ...{ 'p99 while held ms': percentile(during, 0.99), 'ended after s': await stage.check() },
    });
    expect(percentile(during, 0.5)).toBeLessThan(Math.max(5 * percentile(before, 0.5), 1_000));
  },
  sized({ quick: 120_000, full: 1_200_000 }),
);

/** How old the oldest unsent message of orders was, in ms, looked at five times a second for so long; ascending. */
async function oldest({ database }: Stage, forMs: number): Promise<number[]> {
  const client = new Client({ connectionString: database });
  await client.connect();
  const ages: number[] = [];
  try {
    for (const until = performance.now() + forMs; performance.now() < until; await sleep(200)) {
      const { rows } = await client.query<{ ms: number }>(
        `SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 * 1000 AS ms FROM orders.outbox`,
      );
      ages.push(rows[0]!.ms);
    }
  } finally {
    await client.end();
  }
  return ages.sort((a, b) => a - b);
}

it('the database has no more room (A20): nothing false is acknowledged, and all is well once there is room again', async () => {
  const directory = join(rig().directory, 'small-disk');
  mkdirSync(directory, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'sanmon-fault', directory], { stdio: 'ignore' });
  } catch {
    return announce('A20 not run: this account may not mount a small file system');
  }
  let postgres: EmbeddedPostgres | undefined;
  try {
    postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres') });
    stage = await Stage.set('A20', { database: postgres.url });
    await stage.stockForLoad();
    const load = new Load(stage, 30);
    await sleep(3_000);
    fill(directory);
    await eventually(() => expect(stage!.journal.count('info')).toBeGreaterThan(0), { within: 60_000, every: 50 });
    await sleep(sized({ quick: 5_000, full: 60_000 }));
    expect(stage.victim.running).toBe(true);
    rmSync(join(directory, 'filler'));
    const began = performance.now();
    expect((await stage.journal.place('after', anOrder('tea', { customerId: 'after' }), stage.anyone)).result).toBe(
      'ok',
    );
    const ms = Math.round(performance.now() - began);
    await load.stop();
    const ended = await stage.check({ mailsAtMost: 2, within: 120_000 });
    const unknown = stage.journal.count('info');
    report('A20', {
      orders: load.sent,
      'told to come again': unknown,
      'accepts again after ms': ms,
      'ended after s': ended,
    });
  } finally {
    await stage?.strike();
    await postgres?.stop();
    execFileSync('umount', ['-l', directory]);
  }
}, 240_000);

/** Writes until there is no room left. */
function fill(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - 64 * 1024)));
}
