import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { rig } from '../support/fixtures.js';
import { createDatabase, dropDatabase } from '../support/postgres.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

let stage: Stage;
let name: string;
beforeEach(() => void (name = `boot_${randomBytes(6).toString('hex')}`));
afterEach(async () => {
  await stage?.strike();
  await dropDatabase(rig().postgres, name);
});

it(
  'kill -9 inside a migration (C19): two replicas that start next finish it, and take orders',
  async () => {
    const rounds = sized({ quick: 2, release: 5, full: 20 });
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await stage.strike();
      await dropDatabase(rig().postgres, name);
      const database = await createDatabase(rig().postgres, name);
      stage = await Stage.set('C19', { replicas: 2, database, dark: true });
      let migrations = stage.chance.below(8);
      const trap = stage.ways.database.lay({
        ...{ direction: 'up', match: 'INSERT INTO "sanmon_migrations"', action: 'hold', times: 1 },
        chance: () => migrations-- === 0,
      });
      stage.victim.launch();
      await trap.sprung;
      await stage.victim.kill();
      trap.remove();
      await Promise.all(stage.houses.map((house) => house.startAgain()));
    }
    await stage.stockForLoad();
    const load = new Load(stage, 20);
    await sleep(3_000);
    await load.stop();
    report('C19', { kills: rounds, orders: load.sent, 'ended after s': await stage.check() });
  },
  sized({ quick: 120_000, release: 300_000, full: 900_000 }),
);

it(
  'started before its database (A13): the process waits and is ready once the database answers',
  async () => {
    const database = await createDatabase(rig().postgres, name);
    stage = await Stage.set('A13', { database, dark: true });
    stage.ways.database.turn('cut');
    stage.victim.launch();
    await sleep(sized({ quick: 10_000, full: 60_000 }));
    expect(stage.victim.running).toBe(true);
    expect(stage.victim.output).toMatch(/waiting for the database/);
    stage.ways.database.turn('pass');
    const began = performance.now();
    await stage.victim.ready();
    const ready = Math.round(performance.now() - began);
    await stage.stockForLoad();
    const load = new Load(stage, 20);
    await eventually(() => expect(load.sent).toBeGreaterThan(40));
    await load.stop();
    report('A13', { 'ready after ms': ready, orders: load.sent, 'ended after s': await stage.check() });
  },
  sized({ quick: 90_000, full: 180_000 }),
);
