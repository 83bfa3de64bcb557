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
    'goes on as before beside a report that holds a snapshot open (A19)',
    async () => {
      const rate = sized({ quick: 100, full: 200 });
      const stranger = new Client({ connectionString: stage.database, application_name: 'a report of somebody' });
      await stranger.connect();
      await stranger.query('SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ');
      await stranger.query('SELECT count(*) FROM orders.orders');
      const load = new Load(stage, rate, () => stage.victim.rest, 'report');
      const held = sized({ quick: 45_000, full: 15 * MINUTE });
      const began = performance.now();
      const samples: Sample[] = [];
      while (performance.now() - began < held) {
        await sleep(250);
        samples.push(await sample(stage.victim.pid!, database));
      }
      const first = await flow(database, held / 1_000, held / 1_000 - 15);
      const last = await flow(database, 20, 5);
      const everything = await lookAtEverything(database);
      await load.stop();
      await stranger.query('ROLLBACK');
      await stranger.end();
      const ended = await stage.check();
      const grown = largest(samples);
      await database.query('VACUUM orders.outbox');
      const after = await lookAtEverything(database);
      report('A19', {
        orders: load.sent,
        'p50 to CONFIRMED ms, first 15 s': round(first.p50),
        'p99, first': round(first.p99),
        'p50, last 15 s': round(last.p50),
        'p99, last': round(last.p99),
        'a look at every dead row ms': round(everything),
        'the same after ms': round(after),
        'largest table': `${grown.name} ${round(grown.mb)} MB`,
        'ended after s': ended,
      });
      expect(last.p50).toBeLessThan(Math.max(3 * first.p50, 1_000));
      expect(after).toBeLessThan(50);
    },
    sized({ quick: 5 * MINUTE, full: 30 * MINUTE }),
  );
});

/** How long orders took to CONFIRMED that were placed between so many seconds ago. */
async function flow(database: Client, from: number, to: number): Promise<{ p50: number; p99: number }> {
  const { rows } = await database.query<{ p50: number; p99: number }>(
    `SELECT 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50,
            1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY took) AS p99
       FROM (SELECT extract(epoch FROM confirmed_at - created_at)::float8 AS took FROM orders.orders
              WHERE created_at BETWEEN now() - make_interval(secs => $1) AND now() - make_interval(secs => $2)) o`,
    [from, to],
  );
  return rows[0]!;
}

/** What a pass of the relay would cost that began at the first row, deleted or not. */
async function lookAtEverything(database: Client): Promise<number> {
  const began = performance.now();
  await database.query(
    'SELECT l FROM generate_series(0, 31) l WHERE EXISTS (SELECT 1 FROM orders.outbox t WHERE t.lane = l)',
  );
  return performance.now() - began;
}
