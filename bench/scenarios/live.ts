import { setTimeout as sleep } from 'node:timers/promises';
import type { Turn } from './turn.js';

/** The last updates of one order to 1,000 watchers: each cancels a confirmed order that everybody watches. */
export async function live(turn: Turn): Promise<void> {
  const { watchers, watchedOrders } = turn.sizes;
  const { placed } = await turn.ask({
    gate: 'rest',
    target: turn.running.target,
    clients: 1,
    count: watchedOrders,
    remember: true,
  });
  const ids = placed.map(([id]) => id);
  while ((await turn.running.confirmedAt(ids)).size < ids.length) await sleep(50);
  const { result, usage } = await turn.metered(() => turn.load.watch({ target: turn.running.target, watchers, ids }));
  if (result.missing)
    return turn.note(`live: skipped, this version has no GET /v1/orders/{id}/live (${result.missing})`);
  turn.record(
    'live',
    {
      watchers,
      delivered: result.delivered,
      missed: result.expected - result.delivered,
      'p50 ms': result.p50,
      'p99 ms': result.p99,
      'app CPU µs/message, connecting included': (usage.app * 1e6) / result.delivered,
    },
    usage,
  );
}
