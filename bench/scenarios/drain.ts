import type { Bench } from '../bench.js';
import { type Candidate } from '../candidates/candidate.js';
import { placesFor } from '../candidates/running.js';
import { progress } from '../report/progress.js';
import { accepted, type Turn } from './turn.js';

const PER_SECOND = 50;
const CONNECTIONS = 64;
/** Accept latency is taken over stretches of this length until everything has drained. */
const STRETCH_SECONDS = 4;

/** Orders that waited while nobody was there: how fast they end, first tenth against last, and accept latency meanwhile. */
export async function drain(bench: Bench, candidate: Candidate): Promise<void> {
  const orders = bench.sizes.waitingOrders;
  const ground = await bench.ground(candidate);
  const first = await bench.start(candidate, ground);
  const idleMb = first.meter.memory().nowMb;
  await first.placeAndSettle('rest', { seconds: bench.sizes.warmUp });
  // Asked now: once it is started again the waiting ones begin to end.
  const before = await first.running.confirmedAt();
  await first.running.stop();
  progress(`${candidate.id}, drain: leaving ${orders.toLocaleString('en')} orders waiting`);
  const [place] = await placesFor(candidate, ground);
  await candidate.leaveWaiting!(place!, orders);
  const turn = await bench.start(candidate, ground);
  try {
    await measure(turn, { orders, before, idleMb });
  } finally {
    await turn.running.stop();
  }
  await ground.drop();
}

interface Waiting {
  orders: number;
  /** What was confirmed before. */
  before: ReadonlyMap<string, number>;
  idleMb: number;
}

async function measure(turn: Turn, { orders, before, idleMb }: Waiting): Promise<void> {
  const beside = new Set<string>();
  const latencies: { p50: number; p99: number }[] = [];
  let answered = 0;
  const { usage } = await turn.metered(async () => {
    do {
      const result = await turn.ask({
        gate: 'rest',
        target: turn.running.target,
        clients: CONNECTIONS,
        phases: [{ perSecond: PER_SECOND, seconds: Math.min(STRETCH_SECONDS, turn.sizes.latency) }],
        remember: true,
      });
      latencies.push(...result.phases);
      result.placed.forEach(([id]) => beside.add(id));
      answered += accepted(result);
    } while ((await turn.running.ended()) < before.size + orders);
    await turn.running.settle(before.size + orders + answered);
  });
  const confirmed = [...(await turn.running.confirmedAt())].filter(([id]) => !beside.has(id) && !before.has(id));
  const times = confirmed.map(([, at]) => at).sort((a, b) => a - b);
  const median = latencies.map(({ p50 }) => p50).sort((a, b) => a - b)[Math.floor(latencies.length / 2)];
  const worst = Math.max(...latencies.map(({ p99 }) => p99));
  turn.record(
    'drain',
    {
      'completed/s': rate(times, 0, 1),
      'completed/s, first tenth': rate(times, 0, 0.1),
      'completed/s, last tenth': rate(times, 0.9, 1),
      'accept p50 ms': median ?? NaN,
      'accept p99 ms, worst stretch': worst,
      'idle MB': idleMb,
      'peak MB': turn.meter.memory().peakMb,
    },
    usage,
  );
}

function rate(times: number[], from: number, to: number): number {
  const [first, last] = [Math.floor(times.length * from), Math.ceil(times.length * to) - 1];
  return (1_000 * (last - first)) / (times[last]! - times[first]!);
}
