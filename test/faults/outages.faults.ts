import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { eventually } from '../support/eventually.js';
import { rig } from '../support/fixtures.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

it(
  'the database dies at once and comes back, again and again (A14): no process ends, nothing acknowledged is lost',
  async () => {
    const restarts = sized({ quick: 5, full: 20 });
    const directory = join(rig().directory, 'restarted-postgres');
    const postgres = await startEmbeddedPostgres({ directory });
    const stage = await Stage.set('A14', { replicas: 2, database: postgres.url });
    try {
      await stage.stock('tea', 1_000_000);
      await stage.stock('sold-out', 1);
      const load = new Load(stage, 50);
      const recoveries: number[] = [];
      for (let n = 0; n < restarts; n++) {
        await sleep(stage.chance.around(3_000));
        // An immediate shutdown: no checkpoint, sessions cut. The embedded server's watcher starts it again.
        process.kill(Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGQUIT');
        recoveries.push(await recovery(stage));
      }
      await load.stop();
      for (const house of stage.houses) expect(house.running).toBe(true);
      const ended = await stage.check({ mailsAtMost: 3, within: 90_000 });
      report('A14', {
        restarts,
        orders: stage.journal.count('ok'),
        'slowest back after ms': Math.max(...recoveries),
        'ended after s': ended,
      });
    } finally {
      await stage.strike();
      await postgres.stop();
    }
  },
  sized({ quick: 180_000, full: 900_000 }),
);

/** Milliseconds from the database's first answer to the first order accepted by each replica. */
async function recovery(stage: Stage): Promise<number> {
  const { Client } = await import('pg');
  await sleep(100);
  await eventually(
    async () => {
      const client = new Client({ connectionString: stage.database });
      client.on('error', () => undefined);
      await client.connect();
      await client.query('SELECT 1').finally(() => client.end());
    },
    { within: 30_000, every: 20 },
  );
  const began = performance.now();
  for (const { rest } of stage.houses)
    await eventually(async () => expect((await rest.get('/v1/orders?pageSize=1')).status).toBe(200), {
      within: 20_000,
    });
  return Math.round(performance.now() - began);
}

it(
  'the mail server is away (A37): orders go on, and every mail comes once it is back',
  async () => {
    const stage = await Stage.set('A37');
    try {
      await stage.stock('tea', 1_000_000);
      await stage.stock('sold-out', 1);
      stage.ways.mail.turn('cut');
      const load = new Load(stage, 20);
      await sleep(sized({ quick: 20_000, full: 3_600_000 }));
      await load.stop();
      const { body } = await stage.victim.rest.get('/v1/orders?state=CONFIRMED&pageSize=1');
      expect(body.orders).toHaveLength(1);
      expect(stage.sink!.mails).toEqual([]);
      const ended = await stage.check({ within: 120_000 });
      report('A37', { orders: stage.journal.count('ok'), mails: stage.sink!.mails.length, 'ended after s': ended });
    } finally {
      await stage.strike();
    }
  },
  sized({ quick: 180_000, full: 3_900_000 }),
);
