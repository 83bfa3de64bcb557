import { accepted, type Turn } from './turn.js';

/** Connections of an open loop: so many orders can be on their way before one has to wait for a connection. */
const CONNECTIONS = 256;
const STEEP = 5;
const SHARE_OF_CAPACITY = 0.5;
const PER_SECOND = 50;

/** 1× → 5× → 1×, where 5× is half of what it accepts: latencies from the moment each order was due. */
export async function spike(turn: Turn): Promise<void> {
  turn.capacity ??= await measureCapacity(turn);
  const top = turn.capacity * SHARE_OF_CAPACITY;
  const seconds = turn.sizes.spike;
  const phases = [top / STEEP, top, top / STEEP].map((perSecond) => ({ perSecond, seconds }));
  const before = await turn.running.ended();
  const { result, usage } = await turn.metered(() =>
    turn.ask({ gate: 'rest', target: turn.running.target, clients: CONNECTIONS, phases }),
  );
  const [calm, steep, after] = result.phases;
  turn.record(
    'spike',
    {
      'orders/s at 5x': top,
      'p99 ms at 1x': calm!.p99,
      'p99 ms at 5x': steep!.p99,
      'p99 ms after': after!.p99,
      'max ms': Math.max(...result.phases.map((phase) => phase.max)),
      failed: result.phases.reduce((sum, phase) => sum + phase.failed, 0),
    },
    usage,
  );
  await turn.running.settle(before + accepted(result));
}

async function measureCapacity(turn: Turn): Promise<number> {
  const result = await turn.placeAndSettle('rest', { seconds: turn.sizes.short });
  return accepted(result) / result.phases[0]!.seconds;
}

/** From the moment an order is due to the commit that confirms it, at 50 orders a second. */
export async function latency(turn: Turn): Promise<void> {
  const phases = [{ perSecond: PER_SECOND, seconds: turn.sizes.latency }];
  const before = await turn.running.ended();
  const { result, usage } = await turn.metered(() =>
    turn.ask({ gate: 'rest', target: turn.running.target, clients: CONNECTIONS, phases, remember: true }),
  );
  await turn.running.settle(before + accepted(result));
  const confirmed = await turn.running.confirmedAt(result.placed.map(([id]) => id));
  const took = result.placed.map(([id, at]) => confirmed.get(id)! - at).sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? NaN;
  turn.record(
    'latency',
    {
      'p50 ms': at(0.5),
      'p99 ms': at(0.99),
      'accept p50 ms': result.phases[0]!.p50,
      'accept p99 ms': result.phases[0]!.p99,
    },
    usage,
  );
}
