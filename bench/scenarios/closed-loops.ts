import type { Gate } from '../load/job.js';
import { accepted, type Turn } from './turn.js';

const WARM_UP = 0.3;
const IDS = 1_000;

/** Accepted orders a second over another gate than REST; what is behind the answer goes on as it can. */
export const accept =
  (gate: Gate) =>
  async (turn: Turn): Promise<void> => {
    await turn.placeAndSettle(gate, { seconds: turn.sizes.short * WARM_UP });
    const before = await turn.running.ended();
    const { result, usage } = await turn.metered(() => turn.closed(gate, { seconds: turn.sizes.short }));
    const [phase] = result.phases;
    turn.record(
      `accept-${gate}`,
      {
        'accepted/s': accepted(result) / phase!.seconds,
        'accept p50 ms': phase!.p50,
        'accept p99 ms': phase!.p99,
        failed: phase!.failed,
      },
      usage,
    );
    await turn.running.settle(before + accepted(result));
  };

/** Orders read by id. */
export const get =
  (gate: Gate) =>
  async (turn: Turn): Promise<void> => {
    const ids = await turn.running.someIds(IDS);
    await turn.closed(gate, { seconds: turn.sizes.short * WARM_UP, ids });
    const { result, usage } = await turn.metered(() => turn.closed(gate, { seconds: turn.sizes.short, ids }));
    const [phase] = result.phases;
    const answers = accepted(result);
    turn.record(
      `get-${gate}`,
      {
        'answered/s': answers / phase!.seconds,
        'p50 ms': phase!.p50,
        'p99 ms': phase!.p99,
        'CPU ms/answer': ((usage.app + usage.database) * 1_000) / answers,
        failed: phase!.failed,
      },
      usage,
    );
  };
