import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Span } from '../../src/messaging/spans.js';
import { eventually } from '../support/eventually.js';
import type { How } from '../support/caller.js';
import { KEY } from '../support/house.js';
import { type Gate, placeThrough, anOrder, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

// The exporter cannot run inside Jest; that spans reach a collector is shown in test/placements/one-trace.spec.ts.
const mockTold: Span[] = [];
jest.mock('../../src/house-traces.js', () => ({
  openTraces: () => Promise.resolve({ tell: (span: Span) => mockTold.push(span), close: () => Promise.resolve() }),
}));

const at = useHouse();
let order: string;
beforeAll(async () => {
  order = (await placeThrough('rest', at.house, anOrder(await stocked(at.house, 10)))).id as string;
});

/** A trace that a caller is in, and what was told of it: the names of its spans with the reasons of what failed. */
class Trace {
  readonly id = randomBytes(16).toString('hex');
  readonly headers = { traceparent: `00-${this.id}-${'1'.repeat(16)}-01` };

  is = (...spans: string[]): Promise<void> =>
    eventually(() => {
      const told = mockTold.filter(({ self }) => self.slice(3, 35) === this.id);
      expect(told.map(({ name, failed }) => [name, failed].filter(Boolean).join(' '))).toEqual(spans);
      for (const { kind, parent } of told) expect([kind, parent]).toEqual(['server', this.headers.traceparent]);
    });
}

describe('the opening of a stream is a span, over', () => {
  const socket = (headers: object): WebSocket =>
    new WebSocket(`${at.house.rest.origin.replace('http', 'ws')}/v1/live`, {
      headers: headers as Record<string, string>,
    });
  const sse = async (path: string, trace: Trace): Promise<void> => {
    const { origin } = at.house.rest;
    const end = new AbortController();
    const headers = { authorization: `Bearer ${KEY}`, ...trace.headers };
    await fetch(origin + path, { headers, signal: end.signal });
    end.abort();
  };

  it('server-sent events', async () => {
    const trace = new Trace();
    await sse(`/v1/orders/${order}/live`, trace);
    await trace.is('orders.watch');
  });

  it('server-sent events, when it is refused', async () => {
    const trace = new Trace();
    await sse('/v1/orders/ord_of-nobody/live', trace);
    await trace.is('orders.watch order-not-found');
  });

  it.each([
    ['orders.WatchOrder', 'orders.watch'],
    ['orders.TrackOrders', 'orders.track'],
  ])('gRPC: %s', async (method, name) => {
    const trace = new Trace();
    const request = method === 'orders.WatchOrder' ? { id: order } : undefined;
    const call = at.house.grpc.stream(method, request, trace.headers);
    call.on('error', () => undefined);
    await trace.is(name);
    call.cancel();
  });

  it('a WebSocket', async () => {
    const trace = new Trace();
    const opened = socket({ authorization: `Bearer ${KEY}`, ...trace.headers });
    await once(opened, 'open');
    await trace.is('orders.track');
    opened.close();
  });

  it('a WebSocket, when it is refused', async () => {
    const trace = new Trace();
    socket(trace.headers).on('error', () => undefined);
    await trace.is('orders.track unauthenticated');
  });
});

describe.each<Gate>(['rest', 'grpc', 'amqp'])('over %s', (gate) => {
  /** Calls within a trace of its own. */
  const told = async (operation: string, input: object, how: How = {}): Promise<Trace> => {
    const trace = new Trace();
    await at.caller.call(gate, operation, input, { ...how, ...trace.headers });
    return trace;
  };

  it('what the repair desk is asked and told to do is a span, with the reason of a refusal', async () => {
    const nobodys = `msg_${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}`;
    await (await told('ops.list-messages', {})).is('ops.list-messages');
    await (await told('ops.get-message', { id: nobodys })).is('ops.get-message message-not-found');
    await (await told('ops.release-message', { id: nobodys })).is('ops.release-message message-not-found');
  });

  it('a call that admission refuses is a span with the reason', async () => {
    await (await told('orders.list', {}, { secret: 'wrong' })).is('orders.list unauthenticated');
    await (await told('payments.list', {}, { secret: 'a-reading-key' })).is('payments.list missing-scope');
    await (await told('orders.list', { pageSize: 100_000 })).is('orders.list invalid');
  });
});
