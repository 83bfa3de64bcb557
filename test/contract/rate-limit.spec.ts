import { Caller } from '../support/caller.js';
import { eventually } from '../support/eventually.js';
import { aHouse, API_KEYS, type TestHouse } from '../support/house.js';
import { anOrder, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

/** Low, so that it is exceeded on a busy machine too. */
const LIMIT = 5;
const environment = {
  RATE_LIMIT_PER_SECOND: String(LIMIT),
  API_KEYS: `${API_KEYS};busy:a-busy-key:orders:read+orders:write;calm:a-calm-key:orders:read`,
};
const at = useHouse(environment);
const BUSY = { secret: 'a-busy-key' };
let second: TestHouse;
let replica: Caller;

beforeAll(async () => {
  second = await aHouse({ DATABASE_URL: at.databaseUrl, RABBITMQ_URL: at.brokerUrl, ...environment });
  replica = new Caller(second);
});
afterAll(async () => {
  replica.close();
  await second.close();
});

it('holds over two gates and two processes at once: of twenty times as many, as many come through as one may make', async () => {
  const began = performance.now();
  const calls = Array.from({ length: LIMIT * 20 }, (_, i) =>
    (i % 4 < 2 ? at.caller : replica).call(i % 2 ? 'rest' : 'grpc', 'orders.list', { pageSize: 1 }, BUSY),
  );
  const codes = (await Promise.all(calls)).map(({ code }) => code);
  const seconds = (performance.now() - began) / 1_000;
  const through = codes.filter((code) => code !== 'rate-limit-exceeded').length;
  expect(codes).toContain('ok');
  expect(through).toBeGreaterThanOrEqual(LIMIT);
  expect(through).toBeLessThanOrEqual(LIMIT * (1 + seconds));
});

it('is of each caller: another is not slowed, and addresses do not count', async () => {
  const headers = (i: number) => ({ authorization: 'Bearer a-busy-key', 'x-forwarded-for': `10.0.0.${i}` });
  const busy = await Promise.all(
    Array.from({ length: LIMIT * 20 }, (_, i) => at.caller.http('GET', '/v1/orders?pageSize=1', undefined, headers(i))),
  );
  expect(busy.some(({ code }) => code === 'rate-limit-exceeded')).toBe(true);
  expect((await at.caller.call('rest', 'orders.list', {}, { secret: 'a-calm-key' })).code).toBe('ok');
});

it('is told with every answer, and how long to wait with a refusal', async () => {
  await eventually(async () => {
    const fine = await at.caller.http('GET', '/v1/orders?pageSize=1', undefined, {
      authorization: 'Bearer a-calm-key',
    });
    expect(fine.status).toBe('200');
    expect(fine.headers.get('ratelimit-policy')).toBe(`"caller";q=${LIMIT};w=1`);
    expect(fine.headers.get('ratelimit')).toMatch(/^"caller";r=\d+;t=1$/);
  });
  const many = await Promise.all(
    Array.from({ length: LIMIT * 20 }, () =>
      at.caller.http('GET', '/v1/orders?pageSize=1', undefined, { authorization: 'Bearer a-calm-key' }),
    ),
  );
  const refused = many.find(({ status }) => status === '429')!;
  expect(refused.code).toBe('rate-limit-exceeded');
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('ratelimit')).toBe('"caller";r=0;t=1');
});

it('lets commands over RabbitMQ wait instead: none is refused, none lost', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const sku = await stocked(at.house, 200);
  const headers = { authorization: 'Bearer a-busy-key' };
  const customerId = `waits-${Date.now()}`;
  for (let i = 0; i < LIMIT * 2; i++)
    await at.house.amqp!.publish('orders.place', anOrder(sku, { customerId }), { headers });
  await eventually(
    async () => {
      const [row] = await at.rows<{ n: string }>('SELECT count(*) AS n FROM orders.orders WHERE customer_id = $1', [
        customerId,
      ]);
      expect(Number(row!.n)).toBe(LIMIT * 2);
    },
    { within: 45_000, every: 500 },
  );
  expect(await at.rows(`SELECT 1 FROM orders.inbox WHERE state = 'parked'`)).toEqual([]);
});
