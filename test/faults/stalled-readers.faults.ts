import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cloneDatabase, dropClone } from '../support/fixtures.js';
import { eventually } from '../support/eventually.js';
import { GrpcClient } from '../support/grpc-client.js';
import { KEY } from '../support/house.js';
import { LiveClient } from '../support/live-client.js';
import { freePort } from '../support/ports.js';
import { HouseProcess } from '../support/process.js';
import { anOrder } from '../support/shop.js';
import { askForEvents, askForSocket, type DeafReaders, deafSockets, deafStreams } from './rig/deaf-readers.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';

const EACH = sized({ short: 20, quick: 200, full: 200 });
const LINES = 100;

it(`A42: ${EACH} readers of each kind that stop reading cost at most 1 MiB each, are closed after 30 s, and slow nobody down`, async () => {
  const database = await cloneDatabase();
  const grpcPort = await freePort();
  const house = await HouseProcess.start({ DATABASE_URL: database, GRPC_PORT: String(grpcPort) });
  const grpc = new GrpcClient(`127.0.0.1:${grpcPort}`, KEY);
  const deaf: DeafReaders[] = [];
  let healthy: LiveClient | undefined;
  try {
    for (let n = 0; n < LINES; n++) {
      await house.rest.put(`/v1/items/thing-${n}`, { name: 'x'.repeat(150), currency: 'JPY', unitPrice: 1 });
      await house.rest.post(`/v1/items/thing-${n}/receipts`, { quantity: 1_000_000 });
    }
    const [first, second] = [await place(house, 'a'), await place(house, 'b')];
    const port = Number(new URL(house.rest.origin).port);
    healthy = LiveClient.track('ws', { origin: house.rest.origin, grpc }, { mine: true });
    await eventually(() => expect(healthy!.opened).toBe(true));
    const before = { rss: rssOf(house) };
    deaf.push(await deafSockets(port, EACH, askForEvents(first)));
    deaf.push(await deafSockets(port, EACH / 2, askForSocket({ mine: true })));
    deaf.push(await deafSockets(port, EACH / 2, askForSocket({ track: [second] })));
    const streams = deafStreams(grpcPort, EACH, second);
    deaf.push(streams);
    await eventually(() => {
      expect(connectionsAt(port)).toBeGreaterThanOrEqual(2 * EACH);
      expect(connectionsAt(grpcPort)).toBeGreaterThanOrEqual(EACH);
    });
    // What they are told from now on is 8 updates of 30 KB of one order, or everything.
    for (const id of [first, second]) await house.rest.post(`/v1/orders/${id}/cancellation`);
    const began = Date.now();
    let peak = 0;
    let placed = 0;
    const slowest: number[] = [];
    while (Date.now() < began + 45_000) {
      const at = performance.now();
      await place(house, `load-${placed++}`);
      slowest.push(performance.now() - at);
      peak = Math.max(peak, rssOf(house));
      await sleep(250);
    }
    // The connections of gRPC stay, as any HTTP/2 connection does; their streams are gone.
    await eventually(
      () => {
        expect(streams.closed).toBe(EACH);
        // The healthy reader, and what our own calls keep alive.
        expect(connectionsAt(port)).toBeLessThanOrEqual(8);
      },
      { within: 30_000, every: 250 },
    );
    const closedAfter = Math.round((Date.now() - began) / 1_000);
    await eventually(() => expect(healthy!.updates.length).toBeGreaterThanOrEqual(4 * placed), { within: 20_000 });
    expect(healthy.ended).toBeUndefined();
    // Placing orders of 30 KB and telling them takes some memory too, whoever reads: 70 MiB were seen with 60 readers.
    expect(peak - before.rss).toBeLessThan(3 * EACH + 100);
    slowest.sort((a, b) => a - b);
    report('A42', {
      readers: 3 * EACH,
      'RSS before MiB': before.rss,
      'RSS peak MiB': peak,
      'RSS after MiB': rssOf(house),
      'all closed within s': closedAfter,
      'p99 of placing ms': Math.round(slowest[Math.floor(slowest.length * 0.99)]!),
    });
  } finally {
    healthy?.close();
    for (const readers of deaf) readers.close();
    grpc.close();
    await house.stop();
    await dropClone(database);
  }
}, 240_000);

async function place(house: HouseProcess, customerId: string): Promise<string> {
  const lines = Array.from({ length: LINES }, (_, n) => ({ sku: `thing-${n}`, quantity: 1 }));
  const { status, body } = await house.rest.post(
    '/v1/orders',
    anOrder('', { customerId, lines, note: 'n'.repeat(2_000) }),
  );
  expect(status).toBe(202);
  return body.id as string;
}

/** Resident memory in MiB. */
const rssOf = ({ pid }: HouseProcess): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024);

/** Connections that a server on this port has open: state 01 in the table of the kernel. */
const connectionsAt = (port: number): number => {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.map((line) => line.trim().split(/\s+/)).filter((cells) => cells[1] === local && cells[3] === '01')
    .length;
};
