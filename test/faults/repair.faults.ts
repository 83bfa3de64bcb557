import { eventually } from '../support/eventually.js';
import { Load } from './rig/load.js';
import { poison } from './rig/poison.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';

const PARKED = sized({ quick: 120, release: 1_000, full: 1_000 });
const KILLS = sized({ quick: 1, release: 5, full: 20 });

it(
  `kill -9 inside the release of ${PARKED} parked messages (C18, A28): each is released and handled once`,
  async () => {
    const stage = await Stage.set('A28, C18');
    try {
      await stage.stockForLoad();
      const bug = await poison(stage, 'payments.payments', 'true');
      const load = new Load(stage, 100);
      // One in twenty names goods that do not exist and is refused at once.
      await eventually(() => expect(load.sent).toBeGreaterThanOrEqual(1.1 * PARKED), { within: 60_000 });
      await load.stop();
      // Six attempts take 48 s; then every one of them is parked.
      await eventually(async () => expect(await open(stage)).toEqual([]), { within: 120_000, every: 500 });
      const parked = await stage.rows<{ id: string }>(
        `SELECT message_id AS id FROM payments.inbox WHERE state = 'parked'`,
      );
      expect(parked.length).toBeGreaterThanOrEqual(PARKED);
      await bug.cure();

      const filter = { state: 'PARKED', module: 'payments' };
      const begun = await stage.victim.rest.post('/v1/ops/messages/release', { filter });
      expect(begun.status).toBe(202);
      for (let kill = 0; kill < KILLS; kill++) await killInside(stage);
      // Whoever does not know how far it came asks again: nothing is released twice.
      expect((await stage.victim.rest.post('/v1/ops/messages/release', { filter })).status).toBe(202);
      const operation = `/v1/ops/operations/${begun.body.operation.id}`;
      const done = async () => expect((await stage.victim.rest.get(operation)).body.state).toBe('DONE');
      await eventually(done, { within: 120_000, every: 200 });
      const ended = await stage.check({ mailsAtMost: 1 + KILLS });
      const acts = await stage.rows<{ id: string; by: string }>(
        `SELECT message_id AS id, by FROM payments.repair_acts WHERE act = 'RELEASE'`,
      );
      expect(acts.map((a) => a.id).sort()).toEqual(parked.map((p) => p.id).sort());
      expect(new Set(acts.map((a) => a.by))).toEqual(new Set(['key:shop']));
      report('A28, C18', { released: acts.length, kills: KILLS, 'released twice': 0, 'ended after s': ended });
    } finally {
      await stage.strike();
    }
  },
  sized({ quick: 240_000, full: 900_000 }),
);

const open = (stage: Stage) =>
  stage.rows(`SELECT key FROM payments.inbox WHERE state <> 'parked' UNION ALL SELECT key FROM orders.outbox LIMIT 1`);

/** A chunk is released and its progress written, but not committed. */
async function killInside(stage: Stage): Promise<void> {
  const trap = stage.ways.database.lay({ direction: 'up', match: 'payments.bulk.count', action: 'hold', times: 1 });
  await trap.sprung;
  await stage.victim.kill();
  trap.remove();
  await stage.victim.startAgain();
}
