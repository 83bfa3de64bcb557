// npm run test:placements [-- one | two | four | four-twice …]
// The journeys and the parity cells, unchanged, against a house of real processes: how its modules are spread over processes
// and databases is the only difference. Then kill -9 at random and at named points, with the checker of the fault tests.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const PLACEMENTS = {
  one: 'orders,payments,inventory,notifications',
  two: 'orders,notifications|payments,inventory',
  four: 'orders|payments|inventory|notifications',
  'four-twice': 'orders@first|notifications@first|payments@second|inventory@second*2',
};
// Those that look at a house from outside only, over its gates.
const JOURNEYS = [
  'test/journey/an-order-to-its-end.spec.ts',
  'test/journey/a-refund.spec.ts',
  'test/contract/parity.spec.ts',
];
// What belongs to a house in one process: the local carrier has nobody to carry to in others, and these columns of the matrix are
// provoked inside of it, as is the page that has them all.
const INSIDE = [
  'over the local carrier',
  'every operation',
  'no operation',
  'every command',
  'every kind',
  'has every cell',
];
const FAULTS = ['test/faults/random-kills.faults.ts'];
// With two of each it is not known which of them takes in: nobody may come by where the trap is laid.
const ALONE = ['test/faults/crash-points.spec.ts'];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in PLACEMENTS));
if (unknown.length > 0) {
  console.error(`There is no placement ${unknown.join(', ')}; there are ${Object.keys(PLACEMENTS).join(', ')}.`);
  process.exit(2);
}

function passes(placement, files, options, more = {}) {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const { status } = spawnSync(process.execPath, [jest, '--maxWorkers=1', ...options, '--runTestsByPath', ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SANMON_TEST_PLACEMENT: PLACEMENTS[placement], ...more },
  });
  return status === 0;
}

const failed = (asked.length > 0 ? asked : Object.keys(PLACEMENTS)).filter((name) => {
  console.log(`\n${name}: ${PLACEMENTS[name]}`);
  const options = [`--testNamePattern=^(?!${INSIDE.join('|')})`];
  const journeys = passes(name, JOURNEYS, options);
  const config = ['--config', join(root, 'test/faults/jest.config.js')];
  const kills = { SANMON_FAULT_SIZE: 'quick', SANMON_FAULT_KILLS: '5' };
  const faults = passes(name, [...FAULTS, ...(name === 'four-twice' ? [] : ALONE)], config, kills);
  return !journeys || !faults;
});
if (failed.length > 0) console.error(`\nfailed in the placements ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
