import { anOrder } from '../support/shop.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const ROUNDS = sized({ short: 2, quick: 10, full: 100 });
const DROPPED = sized({ short: 20, quick: 100, full: 1_000 });

describe('an answer of COMMIT that is lost', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.set('A3, A16', { replicas: 2 });
    await stage.stock('tea', 1_000_000);
    await stage.stock('sold-out', 1);
  });
  afterAll(() => stage?.strike());

  it(
    'with its process, is found by the key: five more calls, at either replica, get one and the same answer',
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const trap = stage.ways.database.lay({
          ...{ direction: 'down', match: 'COMMIT\0', after: 'orders.add', since: 'BEGIN;' },
          ...{ action: 'hold', times: 1 },
        });
        const order = anOrder('tea', { customerId: `ambiguous-${round}` });
        const key = `ambiguous-key-${round}`;
        const first = stage.journal.once(key, order, stage.victim.rest);
        await trap.sprung;
        await stage.victim.kill();
        trap.remove();
        expect((await first).result).toBe('info');
        await stage.victim.startAgain();
        const answers = await Promise.all(
          [0, 1, 0, 1, 0].map((i) => stage.houses[i]!.rest.post('/v1/orders', order, { 'idempotency-key': key })),
        );
        expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
        stage.journal.calls.push({
          ...{ key, customerId: order.customerId, result: 'ok', status: 202, orderId: answers[0]!.body.id },
        });
      }
      report('A3', { rounds: ROUNDS, 'ended after s': await stage.check({ mailsAtMost: 2 }) });
    },
    sized({ short: 300_000, quick: 300_000, full: 1_200_000 }),
  );

  it(
    'with its connection only, is looked up: no unknown outcome becomes a second effect',
    async () => {
      const load = new Load(stage, 50, () => stage.victim.rest, 'dropped');
      const trap = stage.ways.database.lay({
        ...{ direction: 'down', match: 'COMMIT\0', action: 'cut', times: DROPPED },
        chance: () => stage.chance.next() < 0.05,
      });
      while (!trap.spent) await new Promise((resolve) => setTimeout(resolve, 20));
      trap.remove();
      await load.stop();
      const unknown = stage.journal.count('info');
      const ended = await stage.check({ mailsAtMost: 2 });
      report('A16', { dropped: trap.count, orders: load.sent, 'told as unknown': unknown, 'ended after s': ended });
    },
    sized({ short: 300_000, quick: 300_000, full: 1_200_000 }),
  );
});
