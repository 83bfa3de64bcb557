import type { Bench } from '../bench.js';
import type { Candidate } from '../candidates/candidate.js';
import type { Ground } from '../candidates/running.js';
import { progress } from '../report/progress.js';
import { accepted, costs, type Turn } from './turn.js';

const WARM_UP_ORDERS = 1_000;
/** So that nobody accepts much faster than it completes for minutes, the shelf is filled in pieces. */
const PIECE = 20_000;

/**
 * What an order costs when there are a thousand and when there are a million. The grown database is not made by SQL: the
 * product itself takes every order through its whole story. Then both are measured in turns, A B A B, because a machine
 * changes more within a quarter of an hour than the cost is allowed to.
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
    let orders = await turn.running.ended();
    while (orders < grownOrders) {
      await turn.placeAndSettle('rest', { count: Math.min(PIECE, grownOrders - orders) });
      orders = await turn.running.ended();
      progress(`${candidate.id}, growth: ${orders.toLocaleString('en')} of ${grownOrders.toLocaleString('en')} orders`);
    }
  } finally {
    await turn.running.stop();
  }
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
