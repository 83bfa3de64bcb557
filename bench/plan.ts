import type { Bench } from './bench.js';
import { type Candidate } from './candidates/candidate.js';
import { progress } from './report/progress.js';
import { accept, get } from './scenarios/closed-loops.js';
import { drain } from './scenarios/drain.js';
import { growth } from './scenarios/growth.js';
import { live } from './scenarios/live.js';
import { latency, spike } from './scenarios/open-loops.js';
import { story } from './scenarios/story.js';
import type { Turn } from './scenarios/turn.js';

interface Scenario<Run> {
  applies: (candidate: Candidate) => boolean;
  run: Run;
}

/** A scenario that shares a turn with others, in this order; `live` is last because it cancels what it watches. */
const IN_TURNS: Record<string, Scenario<(turn: Turn) => Promise<void>>> = {
  story: { applies: () => true, run: story },
  'get-rest': { applies: () => true, run: get('rest') },
  'get-grpc': { applies: ({ gates }) => gates.includes('grpc'), run: get('grpc') },
  'accept-grpc': { applies: ({ gates }) => gates.includes('grpc'), run: accept('grpc') },
  'accept-amqp': { applies: ({ gates }) => gates.includes('amqp'), run: accept('amqp') },
  latency: { applies: () => true, run: latency },
  spike: { applies: () => true, run: spike },
  live: { applies: ({ gates }) => gates.includes('grpc'), run: live },
};

/** Scenarios that need the candidate stopped and started, or a database of their own; each is run once. */
const ALONE: Record<string, Scenario<typeof drain>> = {
  drain: { applies: ({ leaveWaiting, scenarios }) => leaveWaiting !== undefined && !scenarios, run: drain },
  growth: { applies: ({ id }) => id === 'Sanmon', run: growth },
};

/** `start` is measured at the beginning of every turn. */
export const SCENARIOS = ['start', ...Object.keys(IN_TURNS), ...Object.keys(ALONE)];

/** Runs these scenarios: all candidates in turn, and again, A B C A B C, so that a drift of the machine meets them alike. */
export async function runAll(bench: Bench, candidates: Candidate[], wanted: string[]): Promise<void> {
  const named = (candidate: Candidate, name: string) =>
    wanted.includes(name) && (!candidate.scenarios || candidate.scenarios.includes(name));
  const inTurn = (candidate: Candidate) =>
    Object.entries(IN_TURNS).filter(([name, { applies }]) => named(candidate, name) && applies(candidate));
  for (let round = 0; round < bench.sizes.rounds; round++)
    for (const candidate of candidates) {
      const scenarios = inTurn(candidate);
      if (scenarios.length === 0 && !named(candidate, 'start')) continue;
      const runs = scenarios.map(([, { run }]) => run);
      await attempt(bench, candidate, `round ${round + 1}`, () => bench.turn(candidate, runs));
    }
  for (const [name, { applies, run }] of Object.entries(ALONE))
    for (const candidate of candidates)
      if (wanted.includes(name) && applies(candidate))
        await attempt(bench, candidate, name, () => run(bench, candidate));
}

/** A candidate that fails is noted, and the others have their turns: two hours must not be lost to one of them. */
async function attempt(bench: Bench, { id }: Candidate, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const note = `${id}, ${what}: FAILED, ${(error as Error).message}`;
    progress(note);
    bench.results.notes.push(note);
  }
}
