import { setTimeout as sleep } from 'node:timers/promises';
import { announce } from '../support/announce.js';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

/** A run may be cut into pieces, each with its own seed: SANMON_FAULT_KILLS says how many this one has. */
const KILLS = Number(process.env['SANMON_FAULT_KILLS']) || sized({ quick: 15, release: 100, full: 300 });
const RATE = 50;
const MEAN_MS = 4_000;

it(
  `${KILLS} kill -9 at random moments of one of two replicas under ${RATE} orders/s lose nothing and do nothing twice`,
  async () => {
    const stage = await Stage.set('A2', { replicas: 2 });
    try {
      await stage.stock('tea', 1_000_000);
      await stage.stock('sold-out', 1);
      const load = new Load(stage, RATE);
      for (let kill = 0; kill < KILLS; kill++) {
        await sleep(stage.chance.around(MEAN_MS));
        const house = stage.chance.one(stage.houses);
        await house.kill();
        await sleep(stage.chance.below(2_000));
        await house.startAgain();
      }
      await load.stop();
      const ended = await stage.check({ mailsAtMost: 3 });
      report('A2', { kills: KILLS, orders: stage.journal.count('ok'), lost: 0, doubled: 0, 'ended after s': ended });
    } catch (error) {
      announce(`the database meanwhile:\n${await stage.activity()}`);
      throw error;
    } finally {
      await stage.strike();
    }
  },
  sized({ quick: 300_000, release: 1_800_000, full: 7_200_000 }),
);
