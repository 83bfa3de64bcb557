import type { Bench } from '../bench.js';
import type { Candidate } from '../candidates/candidate.js';
import type { Ground } from '../candidates/running.js';
import { progress } from '../report/progress.js';
import { copyOrders } from './copies.js';
import { accepted, costs, type Turn } from './turn.js';

const WARM_UP_ORDERS = 1_000;
/** One order in so many is taken by the product through its whole story; the others are copies of what those left behind. */
const ONE_IN = 50;

/**
 * What an order costs when there are a thousand and when there are a million. The million is made of a fiftieth that the
 * product took, because an hour of orders would be longer than all the rest. Then both are measured in turns, A B A B: a
 * machine changes more within a quarter of an hour than the cost is allowed to.
 */
export async function growth(bench: Bench, candidate: Candidate): Promise<void> {
  const grown = await bench.ground(candidate);
  await grow(bench, candidate, grown);
  for (let round = 0; round < bench.sizes.rounds; round++) {
    const empty = await bench.ground(candidate);
    await slice(bench, candidate, empty, 'empty');
    await empty.drop();
    await slice(bench, candidate, grown, 'grown');
  }
  await grown.drop();
}

async function grow(bench: Bench, candidate: Candidate, ground: Ground): Promise<void> {
  const { grownOrders } = bench.sizes;
  const turn = await bench.start(candidate, ground);
  try {
    await turn.placeAndSettle('rest', { count: grownOrders / ONE_IN - (await turn.running.ended()) });
  } finally {
    await turn.running.stop();
  }
  progress(`${candidate.id}, growth: to ${grownOrders.toLocaleString('en')} orders`);
  await copyOrders(ground.databaseUrl, ONE_IN - 1);
}

async function slice(bench: Bench, candidate: Candidate, ground: Ground, size: 'empty' | 'grown'): Promise<void> {
  const turn: Turn = await bench.start(candidate, ground);
  try {
    await turn.placeAndSettle('rest', { count: Math.min(WARM_UP_ORDERS, bench.sizes.sliceOrders) });
    const { result, usage } = await turn.metered(() => turn.placeAndSettle('rest', { count: bench.sizes.sliceOrders }));
    const orders = accepted(result);
    const named = Object.entries(costs(usage, orders)).map(([metric, value]) => [`${metric}, ${size}`, value] as const);
    const { p50, p99 } = result.phases[0]!;
    turn.record(
      'growth',
      { ...Object.fromEntries(named), [`accept p50 ms, ${size}`]: p50, [`accept p99 ms, ${size}`]: p99 },
      usage,
    );
  } finally {
    await turn.running.stop();
  }
}
