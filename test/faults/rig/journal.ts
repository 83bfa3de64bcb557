import { setTimeout as sleep } from 'node:timers/promises';
import type { RestClient } from '../../support/rest-client.js';

/** What one call came to: done, refused for good, or nobody knows. */
export type Result = 'ok' | 'fail' | 'info';

/** One call as its client saw it. */
export interface Call {
  key: string;
  customerId: string;
  result: Result;
  orderId?: string;
  status?: number;
  /** Of the problem, when it was refused. */
  code?: string;
  /** When it was made, and how long its answer took. */
  at?: number;
  ms?: number;
}

/** Everything clients were told, call by call: the witness that the house cannot bend. */
export class Journal {
  readonly calls: Call[] = [];
  /** Set when the case is over, however it ended: nobody asks again. */
  closed = false;

  /** Places an order under a key, again and again until the answer is definite, as a good client does. */
  async place(key: string, order: { customerId: string }, at: (attempt: number) => RestClient): Promise<Call> {
    for (let attempt = 0; ; attempt++) {
      const call = await this.once(key, order, at(attempt));
      if (call.result !== 'info' || this.closed) return call;
      // A client that knocks ever faster at a house in trouble would be a fault of its own.
      await sleep(Math.min(100 * 2 ** attempt, 3_000) * (0.75 + 0.5 * Math.random()));
    }
  }

  /** One call, written down whatever comes of it. */
  async once(key: string, order: { customerId: string }, rest: RestClient): Promise<Call> {
    const call: Call = { key, customerId: order.customerId, result: 'info', at: performance.now() };
    try {
      const { status, body } = await rest.post('/v1/orders', order, { 'idempotency-key': key });
      Object.assign(call, {
        status,
        result: resultOf(status),
        orderId: body?.id as string,
        code: body?.code as string,
      });
    } catch {
      // Refused, reset or cut short: it may have happened or not.
    }
    call.ms = performance.now() - call.at!;
    this.calls.push(call);
    return call;
  }

  /** One line for each key: ok beats info beats fail; where a key was answered with two orders, both stand. */
  collapsed(): Call[] {
    const byKey = new Map<string, Call[]>();
    for (const call of this.calls) byKey.set(call.key, [...(byKey.get(call.key) ?? []), call]);
    return [...byKey.values()].flatMap((calls) => {
      const ok = new Map(calls.filter((c) => c.result === 'ok').map((c) => [c.orderId, c]));
      if (ok.size > 0) return [...ok.values()];
      return [calls.find((c) => c.result === 'info') ?? calls[0]!];
    });
  }

  /** The answer times of the calls made between these moments, in ms, ascending. */
  times(from = 0, to = Infinity): number[] {
    const made = this.calls.filter(({ at = -1 }) => at >= from && at < to);
    return made.map(({ ms }) => ms!).sort((a, b) => a - b);
  }

  /** Calls that came to nothing, but for goods that do not exist, which `Load` asks for now and then. */
  get failed(): Call[] {
    return this.calls.filter(({ result, code }) => result !== 'ok' && code !== 'unknown-sku');
  }

  count(result: Result): number {
    return this.calls.filter((call) => call.result === result).length;
  }
}

// 409 key in use and 429 pass; whatever is 5xx may have happened.
function resultOf(status: number): Result {
  if (status === 202 || status === 200) return 'ok';
  return status >= 500 || status === 409 || status === 429 ? 'info' : 'fail';
}
