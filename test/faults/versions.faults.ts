import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rig } from '../support/fixtures.js';
import { createDatabase, dropDatabase } from '../support/postgres.js';
import type { HouseProcess } from '../support/process.js';
import { Balancer } from './rig/balancer.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const ROOT = join(import.meta.dirname, '../..');
const git = (...args: string[]): string => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim();
/**
 * The version before this one: the last commit before the migration `0006-pages` of orders (decision 0030). It is looked for
 * by that, because the names of commits change when history is rewritten. SANMON_OLD_COMMIT names another.
 */
const OLD = git(
  ...['rev-parse', '--short'],
  process.env['SANMON_OLD_COMMIT'] ||
    `${git('log', '-1', '--diff-filter=A', '--format=%h', '--', 'src/orders/migrations/0006-pages.ts')}^`,
);
const RATE = 20;
const BESIDE_MS = sized({ quick: 8_000, release: 60_000, full: 300_000 });

/** Builds that commit beside this one, with the packages of this one; answers its main file. */
function oldBuild(): string {
  const place = join(tmpdir(), `sanmon-version-${OLD}`);
  const main = join(place, 'dist/main.js');
  if (existsSync(main)) return main;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  git('archive', '--format=tar', `--output=${place}/source.tar`, OLD);
  execFileSync('tar', ['-xf', 'source.tar'], { cwd: place });
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  execFileSync(process.execPath, [join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js'), 'build'], { cwd: place });
  return main;
}

it(
  `this version and the one before (${OLD}) side by side under ${RATE} orders/s: an upgrade fails no call and loses nothing`,
  async () => {
    const old = oldBuild();
    const name = `versions_${process.pid}`;
    const database = await createDatabase(rig().postgres, name);
    const stage = await Stage.set('versions', { replicas: 2, database, dark: true });
    const [first, second] = stage.houses as [HouseProcess, HouseProcess];
    const environment = { DRAIN_DELAY_MS: '1000' };
    const before = [await stage.further(environment, old), await stage.further(environment, old)];
    let balancer: Balancer | undefined;
    try {
      // The old version migrates an empty database and works alone.
      for (const house of before) await house.startAgain();
      await stage.stockForLoad(before[0]);
      balancer = await Balancer.before([...before, first, second]);
      const load = new Load(stage, RATE, balancer.at);
      await sleep(3_000);
      // One of each: the new one has migrated the database under the old one.
      await first.startAgain();
      expect(await before[0]!.stop()).toBe(0);
      await sleep(BESIDE_MS);
      await second.startAgain();
      expect(await before[1]!.stop()).toBe(0);
      await sleep(2_000);
      await load.stop();
      const { failed } = stage.journal;
      const ended = await stage.check();
      report('versions', { old: OLD, orders: load.sent, 'calls failed': failed.length, 'ended after s': ended });
      expect(failed).toEqual([]);
      // Both had a part of the time together.
      expect(load.sent).toBeGreaterThan((RATE * BESIDE_MS) / 1_000);
    } finally {
      await balancer?.close();
      await stage.strike();
      await dropDatabase(rig().postgres, name);
    }
  },
  sized({ quick: 300_000, full: 900_000 }),
);
