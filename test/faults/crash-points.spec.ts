import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModuleName } from '../../src/config/settings.js';
import type { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';
import { API_KEYS } from '../support/house.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage, type Way } from './rig/stage.js';
import type { Rule } from './rig/trap.js';

/** `of` is the module in whose process it happens; orders when left out. */
type Point = [name: string, way: Way, rule: Omit<Rule, 'action'>, of?: ModuleName];

const BEGIN = 'BEGIN;';
// A frame of 13 bytes holding basic.ack: upwards a consumer's, downwards a confirm.
const ACK = '\x00\x00\x00\x0d\x00\x3c\x00\x50';
const commitAfter = (after: string): Omit<Rule, 'action'> => ({
  direction: 'up',
  match: 'COMMIT',
  after,
  since: BEGIN,
});
const answerTo = (after: string): Omit<Rule, 'action'> => ({
  direction: 'down',
  match: 'HTTP/1.1 200',
  after,
  since: 'T /',
});

/**
 * Named moments in the life of an order, as a proxy sees them. C1 is a client's half-sent request, C20 the drain after
 * SIGTERM; C18, inside a repair, and C19, inside a migration, have files of their own.
 */
const POINTS: Point[] = [
  ['C2: an order, before its COMMIT reaches the database', 'database', commitAfter('orders.add')],
  [
    'C3: an order, COMMIT done, its answer on the way',
    'database',
    { direction: 'down', match: 'COMMIT\0', after: 'orders.add', since: BEGIN },
  ],
  ['C4: the relay has its lanes, nothing sent', 'database', { direction: 'up', match: 'orders.outbox.read' }],
  ['C5: published, the confirm on the way', 'broker', { direction: 'down', match: ACK }],
  ['C6: confirmed, not yet deleted from the outbox', 'database', { direction: 'up', match: 'orders.outbox.remove' }],
  ['C7: delivered, nothing written', 'database', { direction: 'up', match: 'payments.inbox.mark' }, 'payments'],
  ['C8: handled and committed, the broker not told', 'broker', { direction: 'up', match: ACK }],
  ['C9: the provider authorises, its answer on the way', 'provider', answerTo('T /authorisations HTTP'), 'payments'],
  ['C10: authorised, not yet written', 'database', commitAfter('payments.payment-authorised.v1'), 'payments'],
  [
    'C11: reserved, not yet published',
    'broker',
    { direction: 'up', match: '"type":"inventory.stock-reserved' },
    'inventory',
  ],
  ['C12: the provider captures, its answer on the way', 'provider', answerTo('/capture HTTP'), 'payments'],
  ['C13: captured, not yet written', 'database', commitAfter('payments.payment-captured.v1'), 'payments'],
  ['C14: confirmed, not yet published', 'broker', { direction: 'up', match: '"type":"orders.order-confirmed' }],
  [
    'C15: the mail is taken, the server’s 250 on the way',
    'mail',
    { direction: 'down', match: '250', after: '\r\n.\r\n', since: 'MAIL FROM' },
    'notifications',
  ],
  ['C16: undoing, the void not sent', 'provider', { direction: 'up', match: '/void HTTP' }, 'payments'],
  ['C17: the provider voids, its answer on the way', 'provider', answerTo('/void HTTP'), 'payments'],
];

const ROUNDS = sized({ short: 1, quick: 1, release: 5, full: 20 });
/** In `npm test` these three; every other one differs from one of them only in where it stands. */
const SHORT = ['C3', 'C8', 'C13'];
const chosen = sized({
  short: POINTS.filter(([name]) => SHORT.includes(name.split(':')[0]!)),
  quick: POINTS,
  full: POINTS,
});

it(
  `kill -9 at ${chosen.length + 2} named points under 20 orders/s loses nothing and does nothing twice`,
  async () => {
    const stage = await Stage.set('A1');
    try {
      await stage.stock('tea', 100_000);
      await stage.stock('sold-out', 1);
      const load = new Load(stage, 20);
      for (let round = 0; round < ROUNDS; round++) {
        await halfARequest(stage);
        await insideTheDrain(stage);
        for (const point of stage.chance.shuffled(chosen)) await strikeAt(stage, point);
      }
      await load.stop();
      const kills = ROUNDS * (chosen.length + 2);
      const ended = await stage.check({ mailsAtMost: 1 + kills });
      report('A1', { kills, orders: stage.journal.count('ok'), lost: 0, doubled: 0, 'ended after s': ended });
    } finally {
      await stage.strike();
    }
  },
  sized({ short: 300_000, quick: 300_000, release: 1_500_000, full: 7_200_000 }),
);

async function strikeAt(stage: Stage, [name, way, rule, of = 'orders']: Point): Promise<void> {
  const trap = stage.ways[way].lay({ ...rule, action: 'hold', times: 1 });
  const reached = await Promise.race([trap.sprung.then(() => true), sleep(20_000, false)]);
  if (!reached) throw new Error(`nobody came by within 20 s: ${name}`);
  await killAndRestart(stage.of(of)[0]!);
  trap.remove();
}

/** C1: half a request, then kill -9; the whole one after that is an order like any other. */
async function halfARequest(stage: Stage): Promise<void> {
  const order = anOrder('tea', { customerId: `half-${stage.journal.calls.length}` });
  const body = JSON.stringify(order);
  const { hostname, port } = new URL(stage.victim.rest.origin);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  const head = `POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${API_KEYS.split(':')[1]}\r\ncontent-type: application/json`;
  socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, body.length / 2)}`);
  await sleep(50);
  await killAndRestart(stage.victim);
  socket.destroy();
  await stage.journal.place(order.customerId, order, stage.anyone);
}

/** C20: SIGTERM, and kill -9 while what was in hand is being finished. */
async function insideTheDrain(stage: Stage): Promise<void> {
  const { victim } = stage;
  const trap = stage.ways.database.lay({ ...commitAfter('orders.outbox'), action: 'hold', times: 1 });
  const exited = victim.stop();
  const held = await Promise.race([trap.sprung.then(() => true), exited.then(() => false)]);
  await sleep(stage.chance.below(500));
  expect({ held, running: victim.running }).toEqual({ held: true, running: true });
  await killAndRestart(victim);
  trap.remove();
}

async function killAndRestart(victim: HouseProcess): Promise<void> {
  await victim.kill();
  await sleep(sized({ short: 100, quick: 1_000, full: 2_000 }));
  await victim.startAgain();
}
