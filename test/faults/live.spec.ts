import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import { GrpcClient } from '../support/grpc-client.js';
import { KEY } from '../support/house.js';
import { LiveClient, type LiveAt } from '../support/live-client.js';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { Roamer } from './rig/roamer.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const DISCONNECTS = sized({ short: 50, quick: 100, full: 2_000 });
const EVERY_MS = 250;

it(
  `${DISCONNECTS} random disconnects over the three channels while one of two replicas is killed: what was told, joined, is what was committed`,
  async () => {
    const stage = await Stage.set('A43', { replicas: 2, mail: false });
    const grpc = stage.grpcPorts.map((port) => new GrpcClient(`127.0.0.1:${port}`, KEY));
    const roamers: Roamer[] = [];
    const roaming: Promise<void>[] = [];
    const places = (): LiveAt[] =>
      stage.houses.flatMap((house, i) => (house.running ? [{ origin: house.rest.origin, grpc: grpc[i]! }] : []));
    const disconnects = (): number => roamers.reduce((sum, { disconnects }) => sum + disconnects, 0);
    const enough = (): boolean => disconnects() >= DISCONNECTS;
    const send = (roamer: Roamer): void => {
      roamers.push(roamer);
      roaming.push(roamer.roam(1_500, enough));
    };
    try {
      await stage.stock('tea', 1_000_000);
      // One reader of each kind that hears of everything; it roams once it has a cursor.
      const all = (['ws', 'grpc-many'] as const).map(
        (kind) => new Roamer(stage.chance, places, [kind], (kind, at, cursor) => track(kind as 'ws', at, cursor)),
      );
      for (const roamer of all) send(roamer);
      const began = await firstHeard(stage, all);

      let killed = 0;
      let n = 0;
      while (!enough() || killed === 0) {
        const call = await stage.journal.place(`live-${n}`, order(n++), stage.anyone);
        const { orderId } = call;
        const kinds = ['sse', 'ws', 'grpc', 'grpc-many'] as const;
        if (roamers.length < 40)
          send(
            new Roamer(stage.chance, places, [...kinds], (kind, at, from) =>
              LiveClient.follow(kind, at, orderId!, from),
            ),
          );
        if (killed === 0 && disconnects() >= DISCONNECTS / 3) killed = await killOne(stage);
        await sleep(stage.chance.around(EVERY_MS));
      }
      await stage.check({ within: 90_000 });
      const committed = await timelines(stage.database);
      await eventually(
        () => {
          for (const roamer of roamers.slice(all.length))
            for (const [id, told] of roamer.told) expect([id, told]).toEqual([id, committed.get(id)]);
          expect(roamers.slice(all.length).filter(({ told }) => told.size !== 1)).toEqual([]);
          for (const roamer of all)
            expect(Object.fromEntries([...roamer.told].filter(([id]) => !began.has(id)))).toEqual(
              Object.fromEntries([...committed].filter(([id]) => !began.has(id))),
            );
        },
        { within: 30_000, every: 250 },
      );
      report('A43', {
        disconnects: disconnects(),
        readers: roamers.length,
        orders: n,
        entries: [...committed.values()].flat().length,
        kills: killed,
      });
    } finally {
      for (const roamer of roamers) roamer.leave();
      await Promise.all(roaming);
      for (const client of grpc) client.close();
      await stage.strike();
    }
  },
  sized({ quick: 240_000, full: 3_600_000 }),
);

const order = (n: number, customerId = `c-${n}`) =>
  anOrder('tea', {
    customerId,
    paymentMethod: n % 4 === 3 ? 'pm_declined' : n % 4 === 2 ? 'pm_slow' : 'pm_ok',
  });

const track = (kind: 'ws' | 'grpc-many', at: LiveAt, cursor?: string): LiveClient =>
  LiveClient.track(kind, at, { mine: true, ...(cursor !== undefined && { cursor }) });

/** Places orders until everybody has heard of one and so has a cursor; answers what was placed until then. */
async function firstHeard(stage: Stage, roamers: Roamer[]): Promise<Set<string>> {
  const placed = new Set<string>();
  for (let n = 0; roamers.some(({ cursor }) => cursor === undefined); n++) {
    const { orderId } = await stage.journal.place(`first-${n}`, order(0, `first-${n}`), stage.anyone);
    placed.add(orderId!);
    await sleep(100);
  }
  return placed;
}

async function killOne(stage: Stage): Promise<number> {
  const house = stage.chance.one(stage.houses);
  await house.kill();
  await sleep(stage.chance.below(1_000));
  await house.startAgain();
  return 1;
}

async function timelines(database: string): Promise<Map<string, number[]>> {
  const client = new Client({ connectionString: database });
  await client.connect();
  const { rows } = await client.query<{ order_id: string; sequences: number[] }>(
    'SELECT order_id, array_agg(sequence ORDER BY sequence) AS sequences FROM orders.timeline GROUP BY order_id',
  );
  await client.end();
  return new Map(rows.map((row) => [row.order_id, row.sequences]));
}
