import { spawn } from 'node:child_process';
import { allProcesses, secondsOf, treeOf } from '../../bench/machine/processes.js';
import { Results } from '../../bench/report/results.js';
import { verdicts } from '../../bench/report/targets.js';
import { eventually } from '../support/eventually.js';

const CALM = 0.1;
const NOISY = 0.2;

const accepted = (results: Results, candidate: string, value: number, noiseCores: number): void =>
  results.add({ scenario: 'story', candidate, metric: 'accepted/s', value, noiseCores });

const verdictOn = (results: Results, what: string) => verdicts(results).find((v) => v.what === what);

it('leaves turns out of the median in which others used the machine', () => {
  const results = new Results();
  for (const [value, noise] of [
    [100, CALM],
    [10, NOISY],
    [120, CALM],
    [110, CALM],
  ] as const)
    accepted(results, 'S', value, noise);
  expect(results.find('story', 'S', 'accepted/s')).toMatchObject({
    value: 110,
    low: 100,
    high: 120,
    turns: 3,
    called: true,
  });
});

it('gives no verdict on a number that was never taken in quiet', () => {
  const results = new Results();
  accepted(results, 'S', 100, CALM);
  accepted(results, 'Sanmon', 5_000, NOISY);
  expect(results.find('story', 'Sanmon', 'accepted/s')).toMatchObject({ value: 5_000, called: false });
  expect(verdictOn(results, 'accepted/s over REST, × S')).toMatchObject({ measured: '50', verdict: 'not called' });
});

it.each([
  [700, 'NOT MET'],
  [800, 'met'],
  [1_000, 'stretch met'],
])('holds %i against a bound of 8 × 100 and a stretch of 10 × 100: %s', (value, verdict) => {
  const results = new Results();
  accepted(results, 'S', 100, CALM);
  accepted(results, 'Sanmon', value, CALM);
  expect(verdictOn(results, 'accepted/s over REST, × S')).toMatchObject({ verdict });
});

it('says of a target whose scenario did not run that it was not measured', () => {
  expect(new Set(verdicts(new Results()).map((v) => v.verdict))).toEqual(new Set(['not measured']));
});

const onLinux = process.platform === 'linux' ? it : it.skip;

onLinux('counts the CPU of a process together with that of children that have ended', async () => {
  // The shell starts a child that works for a while and ends; then the shell itself only waits.
  const child = spawn('/bin/sh', ['-c', 'sh -c "i=0; while [ \\$i -lt 200000 ]; do i=\\$((i+1)); done"; read -r _']);
  const seconds = () => {
    const all = allProcesses();
    return { count: treeOf(all, [child.pid!]).size, seconds: secondsOf(all, treeOf(all, [child.pid!])) };
  };
  try {
    await eventually(() => expect(seconds().count).toBe(1), { within: 30_000 });
    await eventually(() => expect(seconds().seconds).toBeGreaterThan(0.02), { within: 30_000 });
  } finally {
    child.stdin.end();
  }
});
