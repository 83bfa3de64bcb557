import { eventually } from '../support/eventually.js';
import { cloneDatabase, dropClone, useDatabase } from '../support/fixtures.js';
import { aHouse, KEY, type TestHouse } from '../support/house.js';
import { type Gate, anOrder, orderIn, placeThrough, stocked } from '../support/shop.js';
import { stopwatch } from '../support/stopwatch.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { useHouse } from '../support/use-house.js';

type Labels = Record<string, string>;

/** One scrape, as Prometheus would read it. */
class Scrape {
  private constructor(private readonly samples: { name: string; labels: Labels; value: number }[]) {}

  static async of({ rest }: TestHouse): Promise<Scrape> {
    const response = await fetch(`${rest.origin}/metrics`, { headers: { authorization: `Bearer ${KEY}` } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('#'));
    return new Scrape(
      lines.map((line) => {
        const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
        const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]);
        return { name: name!, labels: Object.fromEntries(pairs) as Labels, value: Number(value) };
      }),
    );
  }

  /** The sum of the series of this name that have these labels; undefined when there is none. */
  sum(name: string, labels: Labels = {}): number | undefined {
    const found = this.all(name).filter((s) => Object.entries(labels).every(([key, text]) => s.labels[key] === text));
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  all(name: string): { labels: Labels; value: number }[] {
    return this.samples.filter((s) => s.name === name);
  }

  get ours(): { name: string; labels: Labels }[] {
    return this.samples.filter(({ name }) => name.startsWith('sanmon_'));
  }
}

// Here, so that it is dropped last.
const database = useDatabase();

describe('the numbers of a house with all three gates', () => {
  const lodging = useHouse();

  it.each<Gate>(['rest', 'grpc', 'amqp'])('rise when an order comes through %s and goes to its end', async (gate) => {
    const { house } = lodging;
    const sku = await stocked(house, 10);
    const before = await Scrape.of(house);
    const { id } = await placeThrough(gate, house, anOrder(sku));
    await orderIn(house, id, 'CONFIRMED');
    await eventually(async () => {
      const now = await Scrape.of(house);
      const risen = (name: string, labels: Labels) => (now.sum(name, labels) ?? 0) - (before.sum(name, labels) ?? 0);
      const placed = { gate, operation: 'orders.place' };
      expect(risen('sanmon_calls_total', { ...placed, outcome: 'ok' })).toBe(1);
      expect(risen('sanmon_call_duration_seconds_count', placed)).toBe(1);
      expect(risen('sanmon_call_duration_seconds_sum', placed)).toBeGreaterThan(0);
      expect(risen('sanmon_messages_handled_total', { module: 'orders' })).toBeGreaterThanOrEqual(3);
      for (const module of ['payments', 'inventory', 'notifications'])
        expect(risen('sanmon_messages_handled_total', { module })).toBeGreaterThanOrEqual(1);
      for (const call of ['authorise', 'capture'])
        expect(risen('sanmon_provider_call_duration_seconds_count', { call, outcome: 'ok' })).toBe(1);
      expect(risen('sanmon_mail_duration_seconds_count', { outcome: 'taken' })).toBe(1);
    });
  });

  it('tell of a payment that is declined, and of answers by their kind', async () => {
    const { house } = lodging;
    const sku = await stocked(house, 10);
    const { id } = await placeThrough('rest', house, anOrder(sku, { paymentMethod: 'pm_declined' }));
    await orderIn(house, id, 'REJECTED');
    await house.rest.get('/v1/orders/ord_of-nobody');
    await house.rest.post('/v1/orders', {});
    await house.rest.get('/v1/orders', { authorization: 'Bearer wrong' });
    await house.rest.get('/v1/items', { accept: 'text/html' });
    await house.amqp!.ask('orders.get', { id: 'ord_of-nobody' });
    await house.grpc.call('orders.GetOrder', { id: 'ord_of-nobody' }).catch(() => undefined);
    const now = await Scrape.of(house);
    expect(now.sum('sanmon_provider_call_duration_seconds_count', { call: 'authorise', outcome: 'refused' })).toBe(1);
    const ended = (gate: Gate, operation: string, outcome: string) =>
      now.sum('sanmon_calls_total', { gate, operation, outcome });
    expect(ended('rest', 'orders.get', 'not-found')).toBe(1);
    expect(ended('grpc', 'orders.get', 'not-found')).toBe(1);
    expect(ended('amqp', 'orders.get', 'not-found')).toBe(1);
    expect(ended('rest', 'inventory.list-items', 'invalid')).toBe(1);
    expect(ended('rest', 'orders.place', 'invalid')).toBe(1);
    expect(ended('rest', 'orders.list', 'unauthenticated')).toBe(1);
  });

  it('have the state of everything behind the gates', async () => {
    const { house } = lodging;
    const now = await Scrape.of(house);
    expect(now.sum('sanmon_broker_up')).toBe(1);
    expect(now.all('sanmon_queue_consumed').map(({ value }) => value)).not.toContain(0);
    expect(now.sum('sanmon_streams_open')).toBe(0);
    expect(now.sum('sanmon_database_connections', { database: 'database', state: 'waiting' })).toBe(0);
    expect(now.sum('sanmon_effects_open', { module: 'payments', kind: 'payment-capture' })).toBe(0);
    for (const module of ['orders', 'payments', 'inventory', 'notifications']) {
      expect(now.sum('sanmon_backlog_known', { module })).toBe(1);
      for (const gauge of ['outbox_messages', 'outbox_oldest_age_seconds', 'inbox_ready_oldest_age_seconds', 'overdue'])
        expect(now.sum(`sanmon_${gauge}`, { module })).toBeDefined();
    }
    expect(now.sum('nodejs_eventloop_lag_seconds')).toBeDefined();
    expect(now.sum('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  it('make no series of what strangers ask for: unknown paths, methods, types and what they name', async () => {
    const { house } = lodging;
    const strange = Array.from({ length: 30 }, (_, i) => `strange-${i}`);
    await stocked(house, 1, 'strange-sku');
    for (const name of strange) {
      await house.rest.get(`/${name}`);
      await house.rest.get(`/v1/orders/${name}`);
      await house.rest.call('PATCH', `/v1/items/${name}`);
      await house.rest.get('/v1/orders', { authorization: `Bearer ${name}` });
      await house.amqp!.publish(`orders.${name}`, { [name]: name }, { type: name, headers: { [name]: name } });
    }
    await eventually(async () => {
      const now = await Scrape.of(house);
      const others = (gate: Gate) => now.sum('sanmon_calls_total', { gate, operation: 'other' });
      expect(others('rest')).toBe(2 * strange.length);
      expect(others('amqp')).toBe(strange.length);
      expect(JSON.stringify(now.ours)).not.toContain('strange');
      const ended = now.all('sanmon_calls_total').length;
      expect(ended).toBeLessThan(40);
      // Messages that nobody understands are parked, and that shows.
      expect(now.sum('sanmon_messages_parked_total', { module: 'orders' })).toBe(strange.length);
    });
    // Looked up at most every five seconds.
    await eventually(
      async () =>
        expect((await Scrape.of(house)).sum('sanmon_inbox_messages', { module: 'orders', state: 'parked' })).toBe(30),
      { within: 15_000, every: 500 },
    );
  });

  it('are for callers with metrics:read or ops only', async () => {
    const { house } = lodging;
    const asked = async (headers: Record<string, string>) => {
      const response = await fetch(`${house.rest.origin}/metrics`, { headers });
      return [response.status, ((await response.json()) as { code: string }).code];
    };
    expect(await asked({})).toEqual([401, 'unauthenticated']);
    expect(await asked({ authorization: 'Bearer a-reading-key' })).toEqual([403, 'missing-scope']);
  });
});

it('has no numbers at all with METRICS=off', async () => {
  const databaseUrl = await cloneDatabase();
  const house = await aHouse({ DATABASE_URL: databaseUrl, METRICS: 'off' });
  try {
    const { status, body } = await house.rest.get('/metrics');
    expect([status, body.code]).toEqual([404, 'unknown-route']);
    const { id } = await placeThrough('rest', house, anOrder(await stocked(house, 1)));
    await orderIn(house, id, 'CONFIRMED');
  } finally {
    await house.close();
    await dropClone(databaseUrl);
  }
});

describe('a scrape while the database is away', () => {
  let proxy: TcpProxy;
  let house: TestHouse;
  beforeAll(async () => {
    const before = await TcpProxy.before(database.url);
    proxy = before.proxy;
    house = await aHouse({ DATABASE_URL: before.url });
  });
  afterAll(async () => {
    await house.close();
    await proxy.close();
  });

  let slowest = 0;
  const timed = async (): Promise<Scrape> => {
    const waited = stopwatch();
    const scrape = await Scrape.of(house);
    slowest = Math.max(slowest, waited());
    return scrape;
  };

  it('is answered within two seconds, without the numbers that stand there, and has them again afterwards', async () => {
    await eventually(async () => expect((await timed()).sum('sanmon_backlog_known')).toBe(4));
    slowest = 0;
    proxy.set('black-hole');
    proxy.cut();
    await eventually(
      async () => {
        const scrape = await timed();
        expect(scrape.sum('sanmon_backlog_known')).toBe(0);
        expect(scrape.sum('sanmon_outbox_messages')).toBeUndefined();
        expect(scrape.sum('sanmon_database_connections', { state: 'used' })).toBeGreaterThanOrEqual(0);
      },
      { within: 40_000, every: 1_000 },
    );
    proxy.set('pass');
    proxy.cut();
    await eventually(async () => expect((await timed()).sum('sanmon_backlog_known')).toBe(4), {
      within: 40_000,
      every: 1_000,
    });
    // Each of them, and not only the last.
    expect(slowest).toBeLessThan(2_000);
  });
});
