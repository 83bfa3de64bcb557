import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { rig } from '../support/fixtures.js';
import { type RabbitMqCluster, startCluster } from '../support/rabbitmq-cluster.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const VHOST = 'clustered';
const RATE = sized({ quick: 20, full: 50 });
const ROUNDS = sized({ quick: 1, full: 10 });
const REBALANCE = 'rabbit_amqqueue:rebalance(quorum, ".*", ".*").';

let cluster: RabbitMqCluster;
beforeAll(async () => {
  cluster = await startCluster({ directory: join(rig().directory, 'cluster'), vhosts: [VHOST] });
}, 120_000);
afterAll(() => cluster?.stop());

it(
  'kill -9 of each of three brokers in turn, while it leads queues, loses nothing and does nothing twice',
  async () => {
    const stage = await Stage.set('cluster', { replicas: 2, broker: cluster.url(VHOST) });
    try {
      await stage.stockForLoad();
      await queuesLedBy(3);
      const load = new Load(stage, RATE);
      const led: number[] = [];
      const back: number[] = [];
      for (let n = 0; n < 3 * ROUNDS; n++) {
        const node = n % 3;
        await cluster.nodes[node]!.ctl('eval', REBALANCE);
        led.push((await cluster.leaders(VHOST))[node]!);
        await sleep(2_000 + stage.chance.below(2_000));
        await cluster.kill(node);
        const began = performance.now();
        await flowsAgain(stage);
        back.push(Math.round(performance.now() - began));
        await cluster.startAgain(node);
      }
      await load.stop();
      const ended = await stage.check();
      report('cluster', {
        kills: led.length,
        'queues led by the killed': led.join(' '),
        'slowest to flow again after ms': Math.max(...back),
        orders: stage.journal.count('ok'),
        'ended after s': ended,
      });
      expect(Math.min(...led)).toBeGreaterThan(0);
    } finally {
      await stage.strike();
    }
  },
  sized({ quick: 300_000, full: 1_800_000 }),
);

/** The queues are there, with a leader each, on so many nodes after a rebalance. */
async function queuesLedBy(nodes: number): Promise<void> {
  const spread = async () => {
    await cluster.nodes[0]!.ctl('eval', REBALANCE);
    expect((await cluster.leaders(VHOST)).filter((n) => n > 0)).toHaveLength(nodes);
  };
  await eventually(spread, { within: 60_000, every: 1_000 });
}

/** Orders reach their end again: messages pass through every queue. Not the newest, which may stand behind a backlog. */
async function flowsAgain(stage: Stage): Promise<void> {
  const [{ now }] = (await stage.rows<{ now: Date }>('SELECT now()')) as [{ now: Date }];
  const through = async () => {
    const ended = `SELECT id FROM orders.orders WHERE confirmed_at > $1 LIMIT 20`;
    expect(await stage.rows(ended, [now])).toHaveLength(20);
  };
  await eventually(through, { within: 60_000, every: 100 });
}
