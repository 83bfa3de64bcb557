import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { rig } from '../support/fixtures.js';
import { PRIVATE, type RabbitMq, startRabbitMq } from '../support/rabbitmq.js';
import { Load } from './rig/load.js';
import { MemoryLog, percentile } from './rig/numbers.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { type Plan, Stage } from './rig/stage.js';
import { World } from './rig/world.js';

const VHOSTS = ['a4', 'a5', 'a6', 'a7', 'a8', 'a12'];
const RATE = 50;

let rabbit: RabbitMq;
let stage: Stage;
const bringUp = async () =>
  (rabbit = await startRabbitMq({ directory: join(rig().directory, 'broker-faults'), vhosts: VHOSTS, ways: PRIVATE }));

beforeAll(bringUp, 60_000);
afterAll(() => rabbit.stop());
afterEach(() => stage?.strike());

const set = async (name: string, plan: Plan = {}): Promise<void> => {
  stage = await Stage.set(name, { broker: rabbit.url(name.toLowerCase()), ...plan });
  if (!plan.dark) await stage.stockForLoad();
};
const readyIs = (status: string, within: number) =>
  eventually(async () => expect((await stage.victim.rest.get('/readyz')).body.status).toBe(status), {
    within,
    every: 50,
  });

/** Seconds from now until nothing waits in an outbox any more. */
async function drained(within: number): Promise<number> {
  const began = performance.now();
  const left = async () => {
    const [row] = await stage.rows<{ n: string }>(
      'SELECT (SELECT count(*) FROM orders.outbox) + (SELECT count(*) FROM payments.outbox) + (SELECT count(*) FROM inventory.outbox) AS n',
    );
    expect(Number(row!.n)).toBeLessThan(RATE);
  };
  await eventually(left, { within, every: 500 });
  return Math.round((performance.now() - began) / 100) / 10;
}

it('started while there is no broker (A4): ready, says degraded, accepts; all is confirmed once it comes', async () => {
  const [orders, away] = sized({ quick: [200, 5_000], release: [1_000, 60_000], full: [1_000, 60_000] });
  await rabbit.stop();
  await set('A4');
  await readyIs('degraded', 10_000);
  const load = new Load(stage, 100);
  while (load.sent < orders) await sleep(20);
  await load.stop();
  await sleep(away);
  expect(stage.journal.count('ok')).toBeGreaterThanOrEqual(orders * 0.8);
  await bringUp();
  report('A4', { orders: load.sent, 'away ms': away, 'ended after s': await stage.check() });
}, 240_000);

it(
  'killed again and again (A5): nothing is lost, and messages flow within 10 s of its answer',
  async () => {
    const kills = sized({ quick: 2, release: 10, full: 20 });
    await set('A5', { replicas: 2 });
    const load = new Load(stage, RATE);
    const back: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      await sleep(3_000 + stage.chance.below(2_000));
      await rabbit.kill();
      await bringUp();
      const began = performance.now();
      await readyIs('ok', 20_000);
      back.push(Math.round(performance.now() - began));
    }
    await load.stop();
    const ended = await stage.check({ mailsAtMost: 1 });
    report('A5', { kills, orders: load.sent, 'slowest back after ms': Math.max(...back), 'ended after s': ended });
    expect(Math.max(...back)).toBeLessThan(10_000);
  },
  sized({ quick: 180_000, full: 1_200_000 }),
);

it(
  'away under load (A6): every order is accepted as fast as ever, memory stays flat, the backlog drains in order',
  async () => {
    const away = sized({ quick: 30_000, release: 600_000, full: 600_000 });
    await set('A6');
    const world = await World.bound(stage.brokerUrl);
    const load = new Load(stage, RATE);
    await sleep(15_000);
    const memory = new MemoryLog(stage.victim);
    const cut = performance.now();
    await rabbit.stop();
    await sleep(away);
    const over = performance.now();
    // The first part of the outage fills caches and buffers; what grows after it grows with the backlog.
    const slope = memory.slope(cut + away / 5, over);
    await bringUp();
    const seconds = await drained(300_000);
    await load.stop();
    await memory.stop();
    const ended = await stage.check({ within: 120_000 });
    await world.hear();
    const [before, during] = [stage.journal.times(0, cut), stage.journal.times(cut, over)];
    report('A6', {
      ...{ 'away s': away / 1_000, orders: load.sent, 'not accepted at once': stage.journal.count('info') },
      ...{ 'MB/min': slope, 'highest MB': memory.highest, 'p99 before ms': percentile(before, 0.99) },
      ...{ 'p99 away ms': percentile(during, 0.99), 'drained after s': seconds, 'ended after s': ended },
      ...{ events: world.heard.length, disorder: world.disorder.length, doubles: world.doubles },
    });
    expect(world.disorder).toEqual([]);
    expect(stage.journal.count('info')).toBe(0);
    if (away >= 600_000) expect(slope).toBeLessThan(5);
  },
  sized({ quick: 240_000, release: 1_500_000, full: 1_500_000 }),
);

it(
  'behind a dead link (A7): noticed within 15 s, and what was in flight is sent again under its own id',
  async () => {
    const away = sized({ quick: 20_000, full: 90_000 });
    await set('A7');
    const world = await World.bound(stage.brokerUrl);
    const load = new Load(stage, RATE);
    await sleep(3_000);
    const began = performance.now();
    stage.ways.broker.turn('black-hole');
    await readyIs('degraded', 15_000);
    const noticed = Math.round(performance.now() - began);
    await sleep(away - noticed);
    stage.ways.broker.turn('pass');
    await readyIs('ok', 15_000);
    await load.stop();
    const ended = await stage.check();
    await world.hear();
    const { disorder, doubles } = world;
    report('A7', { orders: load.sent, 'noticed after ms': noticed, doubles, 'ended after s': ended });
    expect(disorder).toEqual([]);
  },
  sized({ quick: 120_000, full: 240_000 }),
);

it(
  'short of memory (A8): publishing pauses, orders are accepted, nothing grows, and it goes on by itself',
  async () => {
    await set('A8');
    const load = new Load(stage, RATE);
    await sleep(3_000);
    await rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
    const memory = new MemoryLog(stage.victim);
    try {
      await readyIs('degraded', 15_000);
      await sleep(sized({ quick: 10_000, full: 120_000 }));
    } finally {
      await rabbit.ctl('set_vm_memory_high_watermark', '0.4');
    }
    await memory.stop();
    await readyIs('ok', 15_000);
    await load.stop();
    report('A8', {
      ...{ orders: load.sent, 'not accepted at once': stage.journal.count('info') },
      ...{ 'MB/min': memory.slope(), 'highest MB': memory.highest, 'ended after s': await stage.check() },
    });
    expect(stage.journal.count('info')).toBe(0);
  },
  sized({ quick: 120_000, full: 300_000 }),
);

it(
  'closing all connections again and again (A12): no channel or consumer is left over, nothing is acknowledged wrongly',
  async () => {
    const times = sized({ quick: 8, release: 30, full: 100 });
    await set('A12');
    await readyIs('ok', 20_000);
    const held = async () => {
      const count = async (what: string) =>
        (await rabbit.ctl('-q', '-p', 'a12', `list_${what}`, 'pid')).split('\n').length;
      return {
        channels: await count('channels'),
        consumers: (await rabbit.ctl('-q', '-p', 'a12', 'list_consumers')).split('\n').length,
      };
    };
    const before = await held();
    const load = new Load(stage, RATE);
    for (let n = 0; n < times; n++) {
      await rabbit.ctl('close_all_connections', '-p', 'a12', 'a fault test');
      await sleep(stage.chance.below(1_000));
    }
    await readyIs('ok', 20_000);
    await load.stop();
    const ended = await stage.check();
    await eventually(async () => expect(await held()).toEqual(before), { within: 30_000, every: 1_000 });
    report('A12', { times, orders: load.sent, ...before, 'ended after s': ended });
  },
  sized({ quick: 120_000, full: 600_000 }),
);
