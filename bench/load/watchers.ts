import { request } from 'node:http';
import type { Target } from './job.js';

/** Watches orders live, with so many readers each, while they are cancelled one after the other. */
export interface WatchJob {
  target: Target;
  watchers: number;
  /** CONFIRMED orders, each to be cancelled once everybody watches it. */
  ids: string[];
}

/** Latencies in milliseconds from the moment an update carries to the moment a watcher has it. */
export interface WatchResult {
  /** 404 and the like: this version has no such endpoint. */
  missing?: string;
  delivered: number;
  expected: number;
  seconds: number;
  p50: number;
  p99: number;
}

/** What a cancelled order still tells. */
const LAST = 'order-cancelled';
const PATIENCE_MS = 20_000;

/** Fan-out of one order's last updates to all of its watchers, over server-sent events. */
export async function watch({ target, watchers, ids }: WatchJob): Promise<WatchResult> {
  const latencies: number[] = [];
  let expected = 0;
  let seconds = 0;
  for (const id of ids) {
    const streams = await Promise.all(Array.from({ length: watchers }, () => open(target, id)));
    const refused = streams.find((stream) => stream.status !== 200);
    if (refused) {
      streams.forEach((stream) => stream.close());
      return { missing: `status ${refused.status}`, delivered: 0, expected: 0, seconds: 0, p50: NaN, p99: NaN };
    }
    const began = performance.now();
    await cancel(target, id);
    await Promise.race([
      Promise.all(streams.map((stream) => stream.ended)),
      new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
    ]);
    seconds += (performance.now() - began) / 1_000;
    const most = Math.max(...streams.map((stream) => stream.seen.length));
    expected += most * watchers;
    for (const { seen, close } of streams) {
      latencies.push(...seen);
      close();
    }
  }
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { delivered: sorted.length, expected, seconds, p50: at(0.5), p99: at(0.99) };
}

interface Stream {
  status: number;
  /** Latency of each update that happened after the stream was opened. */
  seen: number[];
  ended: Promise<void>;
  close: () => void;
}

function open(target: Target, id: string): Promise<Stream> {
  const opened = Date.now();
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${target.key}`, accept: 'text/event-stream' };
    const asked = request(`${target.rest[0]}/v1/orders/${id}/live`, { headers, agent: false }, (response) => {
      const seen: number[] = [];
      let rest = '';
      let done = () => {};
      const ended = new Promise<void>((over) => (done = over));
      response.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          if (!line.startsWith('data:')) continue;
          const update = JSON.parse(line.slice(5)) as { type?: string; at?: string };
          const at = Date.parse(update.at ?? '');
          // What happened before is history that the stream begins with.
          if (!(at >= opened)) continue;
          seen.push(Date.now() - at);
          if (update.type === LAST) done();
        }
      });
      response.on('error', () => done());
      resolve({ status: response.statusCode!, seen, ended, close: () => asked.destroy() });
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function cancel(target: Target, id: string): Promise<void> {
  const answer = await fetch(`${target.rest[0]}/v1/orders/${id}/cancellation`, {
    method: 'POST',
    headers: { authorization: `Bearer ${target.key}`, 'content-type': 'application/json' },
    body: '{}',
  });
  if (!answer.ok) throw new Error(`the cancellation of ${id}: status ${answer.status} ${await answer.text()}`);
}
