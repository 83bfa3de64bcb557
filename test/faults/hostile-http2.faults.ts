import { setTimeout as sleep } from 'node:timers/promises';
import { cloneDatabase, dropClone } from '../support/fixtures.js';
import { GrpcClient } from '../support/grpc-client.js';
import { KEY } from '../support/house.js';
import { freePort } from '../support/ports.js';
import { HouseProcess } from '../support/process.js';
import { RawHttp2 } from './rig/raw-http2.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';

const MIB = 1024 * 1024;
const LIST = '/sanmon.orders.v1.OrdersService/ListOrders';
const WATCH = '/sanmon.orders.v1.OrdersService/WatchOrder';
const STREAMS = sized({ quick: 10_000, full: 10_000 });
const RESETS = sized({ quick: 20_000, full: 200_000 });

let house: HouseProcess;
let database: string;
let grpcPort: number;
beforeAll(async () => {
  [database, grpcPort] = await Promise.all([cloneDatabase(), freePort()]);
  house = await HouseProcess.start({ DATABASE_URL: database, GRPC_PORT: String(grpcPort) });
  // The first calls compile what they run, which is no attacker's doing.
  const grpc = new GrpcClient(`127.0.0.1:${grpcPort}`, KEY);
  for (let n = 0; n < 500; n++) await grpc.call('orders.ListOrders', { pageSize: 1 });
  grpc.close();
}, 120_000);
afterAll(async () => {
  await house.stop();
  await dropClone(database);
});

/** What one connection may do to a process that others use. */
const ATTACKS: Record<string, (raw: RawHttp2) => Promise<void>> = {
  'streams that are reset at once': async (raw) => {
    for (let n = 0; n < RESETS && !raw.ended; n++) await raw.openAndReset(2 * n + 1, LIST);
  },
  'more open streams than there may be': async (raw) => {
    for (let n = 0; n < STREAMS && !raw.ended; n++) await raw.open(2 * n + 1, WATCH);
  },
  'headers that never end': async (raw) => {
    await raw.beginHeaders(LIST);
    // 256 MB, if nobody stopped it.
    for (let n = 0; n < 16_000 && !raw.ended; n++) await raw.continueHeaders(n);
    expect(raw.ended).toBeDefined();
  },
  'pings whose answers nobody reads': async (raw) => {
    raw.stopReading();
    for (let n = 0; n < 500_000 && !raw.ended; n++) await raw.ping();
  },
};

it.each(Object.keys(ATTACKS))(
  'A58: %s over one connection cost at most 50 MiB and slow no other client down',
  async (name) => {
    const grpc = new GrpcClient(`127.0.0.1:${grpcPort}`, KEY);
    const before = house.memory;
    const raw = await RawHttp2.to(grpcPort);
    const took: number[] = [];
    let ended: string | undefined;
    let over = false;
    let peak = before;
    const others = (async () => {
      while (!over) {
        const began = performance.now();
        await grpc.call('orders.ListOrders', { pageSize: 1 });
        took.push(performance.now() - began);
        peak = Math.max(peak, house.memory);
        await sleep(5);
      }
    })();
    const began = performance.now();
    try {
      await ATTACKS[name]!(raw);
      await sleep(2_000);
      ended = raw.ended;
    } finally {
      over = true;
      raw.close();
      await others;
      grpc.close();
    }
    took.sort((a, b) => a - b);
    const grown = Math.round((peak - before) / MIB);
    report(`A58 ${name}`, {
      's until it was over': Math.round((performance.now() - began) / 1_000),
      'its end': ended ?? 'none',
      'RSS grew MiB': grown,
      'calls of others': took.length,
      'slowest ms': Math.round(took.at(-1)!),
    });
    expect(grown).toBeLessThanOrEqual(50);
    // A turn of the event loop that handles what came at once; not for seconds.
    expect(took.at(-1)!).toBeLessThan(3_000);
    expect(house.running).toBe(true);
    expect(house.output).not.toMatch(/"level":"(error|fatal)"/);
  },
  120_000,
);
