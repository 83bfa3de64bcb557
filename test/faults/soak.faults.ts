import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { largest, type Sample, sample, slopeOf } from './rig/growth.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const MINUTE = 60_000;
const round = (n: number): number => Math.round(n * 10) / 10;
// What a process costs is read from /proc.
const onLinux = existsSync('/proc/self/status') ? describe : describe.skip;

onLinux('a house that runs for long', () => {
  let stage: Stage;
  let database: Client;
  beforeAll(async () => {
    stage = await Stage.set('A19, A40', { mail: false });
    await stage.stock('tea', 100_000_000);
    await stage.stock('sold-out', 1);
    database = new Client({ connectionString: stage.database });
    await database.connect();
  }, MINUTE);
  afterAll(async () => {
    await database?.end();
    await stage?.strike();
  });

  it(
    'stays small (A40): memory, handles, sessions and the tables through which everything goes',
    async () => {
      const rate = sized({ quick: 100, full: 50 });
      const [warmUp, length] = sized({ quick: [15_000, MINUTE], full: [60 * MINUTE, 12 * 60 * MINUTE] });
      const samples: Sample[] = [];
      const load = new Load(stage, rate, () => stage.victim.rest, 'soak');
      const began = performance.now();
      let nextFault = sized({ quick: 20_000, full: 5 * MINUTE });
      for (let at = 0; at < length; at = performance.now() - began) {
        await sleep(sized({ quick: 1_000, full: 30_000 }));
        if (at > nextFault) {
          stage.chance.one([stage.ways.broker, stage.ways.database, stage.ways.provider]).cutAll();
          nextFault += sized({ quick: 20_000, full: 5 * MINUTE });
        }
        samples.push(await sample(stage.victim.pid!, database));
      }
      await load.stop();
      const ended = await stage.check();
      const last = await sample(stage.victim.pid!, database);
      const warm = samples.filter((s) => s.atMs - began > warmUp);
      const grown = largest(samples);
      report('A40', {
        orders: load.sent,
        'RSS MB, warm': round(warm[0]!.rssMb),
        'RSS MB, most': round(Math.max(...samples.map((s) => s.rssMb))),
        'RSS MB/h': round(slopeOf(warm)),
        'handles, warm and last': `${warm[0]!.handles} ${last.handles}`,
        'sessions, most': Math.max(...samples.map((s) => s.sessions)),
        'largest table': `${grown.name} ${round(grown.mb)} MB`,
        'ended after s': ended,
      });
      // A pool of 24 and one that listens.
      expect(Math.max(...samples.map((s) => s.sessions))).toBeLessThanOrEqual(26);
      expect(last.handles).toBeLessThanOrEqual(warm[0]!.handles + 20);
      expect(grown.mb).toBeLessThan(64);
      // Minutes say little about a slope: then only what could not be anything else is a leak.
      expect(slopeOf(warm)).toBeLessThan(sized({ quick: 6_000, full: 1 }));
    },
    sized({ quick: 5 * MINUTE, full: 13 * 60 * MINUTE }),
  );

  it(
    'goes on beside a report that holds a snapshot open (A19), slower and slower, and is itself again after',
    async () => {
      const rate = sized({ quick: 100, full: 200 });
      const stranger = new Client({ connectionString: stage.database, application_name: 'a report of somebody' });
      await stranger.connect();
      await stranger.query('SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ');
      await stranger.query('SELECT count(*) FROM orders.orders');
      const load = new Load(stage, rate, () => stage.victim.rest, 'report');
      const began = performance.now();
      const claims: number[] = [];
      const samples: Sample[] = [];
      while (performance.now() - began < sized({ quick: 45_000, full: 15 * MINUTE })) {
        await sleep(250);
        claims.push(await claim(database));
        samples.push(await sample(stage.victim.pid!, database));
      }
      await load.stop();
      await stranger.query('ROLLBACK');
      await stranger.end();
      const ended = await stage.check();
      const tail = claims.slice(-40).sort((a, b) => a - b);
      const p99 = tail[Math.floor(tail.length * 0.99)]!;
      const grown = largest(samples);
      await database.query('VACUUM orders.outbox');
      const after = await claim(database);
      report('A19', {
        orders: load.sent,
        'claim p99 ms at the end': round(p99),
        'claim ms after': round(after),
        'largest table': `${grown.name} ${round(grown.mb)} MB`,
        'ended after s': ended,
      });
      expect(after).toBeLessThan(50);
    },
    sized({ quick: 5 * MINUTE, full: 30 * MINUTE }),
  );
});

/** How long the relay looks for lanes that have rows: what is deleted and cannot be cleaned up yet is in its way. */
async function claim(database: Client): Promise<number> {
  const began = performance.now();
  await database.query(
    'SELECT l FROM generate_series(0, 31) l WHERE EXISTS (SELECT 1 FROM orders.outbox t WHERE t.lane = l)',
  );
  return performance.now() - began;
}
