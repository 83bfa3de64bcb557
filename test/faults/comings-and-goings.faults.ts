import { readdirSync } from 'node:fs';
import { cloneDatabase, dropClone } from '../support/fixtures.js';
import { eventually } from '../support/eventually.js';
import { GrpcClient } from '../support/grpc-client.js';
import { KEY } from '../support/house.js';
import { LIVE_KINDS, LiveClient, type LiveKind } from '../support/live-client.js';
import { freePort } from '../support/ports.js';
import { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';

const CYCLES = sized({ quick: 500, full: 10_000 });
const AT_ONCE = 20;
const MIB = 1024 * 1024;

it(
  `A44: ${CYCLES} readers of each kind come and go, and nothing of them stays`,
  async () => {
    const [database, grpcPort] = await Promise.all([cloneDatabase(), freePort()]);
    const house = await HouseProcess.start({ DATABASE_URL: database, GRPC_PORT: String(grpcPort) });
    const grpc = new GrpcClient(`127.0.0.1:${grpcPort}`, KEY);
    const come = async (kind: LiveKind, id: string): Promise<void> => {
      const client = LiveClient.follow(kind, { origin: house.rest.origin, grpc }, id);
      await eventually(() => expect(client.updates.length).toBeGreaterThan(0), { every: 5 });
      client.close();
    };
    const round = async (kind: LiveKind, id: string, cycles: number): Promise<void> => {
      for (let n = 0; n < cycles; n += AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, () => come(kind, id)));
    };
    try {
      await house.rest.put('/v1/items/tea', { name: 'Tea', currency: 'JPY', unitPrice: 1 });
      await house.rest.post('/v1/items/tea/receipts', { quantity: 10 });
      const { body } = await house.rest.post('/v1/orders', anOrder('tea'));
      const id = body.id as string;
      // What the first ones load and compile stays, and may.
      for (const kind of LIVE_KINDS) await round(kind, id, 200);
      const before = { files: await settled(house), memory: house.memory };
      for (const kind of LIVE_KINDS) await round(kind, id, CYCLES);
      await eventually(() => expect(filesOf(house)).toBeLessThanOrEqual(before.files + 2), {
        within: 20_000,
        every: 250,
      });
      const grown = Math.round((house.memory - before.memory) / MIB);
      report('A44', {
        'cycles of each kind': CYCLES,
        'open files before': before.files,
        after: filesOf(house),
        'RSS grew MiB': grown,
      });
      expect(grown).toBeLessThan(60);
      expect(house.output).not.toMatch(/"level":"(error|fatal)"|MaxListeners/);
      // Those who come now are told as the first ones were.
      for (const kind of LIVE_KINDS) await come(kind, id);
    } finally {
      grpc.close();
      await house.stop();
      await dropClone(database);
    }
  },
  sized({ quick: 240_000, full: 3_600_000 }),
);

const filesOf = ({ pid }: HouseProcess): number => readdirSync(`/proc/${pid}/fd`).length;

/** The number of open files once those who left are gone. */
async function settled(house: HouseProcess): Promise<number> {
  let last = Infinity;
  return eventually(
    () => {
      const now = filesOf(house);
      const calm = now === last;
      last = now;
      expect(calm).toBe(true);
      return now;
    },
    { within: 20_000, every: 1_000 },
  );
}
