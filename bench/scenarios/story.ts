import { accepted, costs, type Turn } from './turn.js';

/** Orders over REST from 64 clients, closed loop, until the last of them has ended: accepted/s, completed/s, CPU, memory. */
export async function story(turn: Turn): Promise<void> {
  const before = await turn.running.ended();
  const { result, usage } = await turn.metered(async () => {
    const load = await turn.closed('rest', { seconds: turn.sizes.story });
    await turn.running.settle(before + accepted(load));
    return load;
  });
  const [phase] = result.phases;
  const orders = accepted(result);
  const seconds = ((await turn.running.lastConfirmedAt()) - result.began) / 1_000;
  turn.capacity = orders / phase!.seconds;
  turn.record(
    'story',
    {
      'accepted/s': turn.capacity,
      'accept p50 ms': phase!.p50,
      'accept p99 ms': phase!.p99,
      'completed/s': orders / seconds,
      ...costs(usage, orders),
      'peak MB': turn.meter.memory().peakMb,
      failed: phase!.failed,
    },
    usage,
  );
}
