import { aHouse } from '../support/house.js';
import { anOrder, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const SHOP = 'https://shop.example';
const at = useHouse({ CORS_ORIGINS: `${SHOP},http://localhost:5173` });

const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(at.house.rest.origin + path, { method, headers: { authorization: `Bearer ${at.house.rest.key}`, ...headers } });

describe('a page of an origin in CORS_ORIGINS', () => {
  const preflight = { origin: SHOP, 'access-control-request-method': 'POST' };

  it('is let in by the preflight of its browser, with the headers that clients need', async () => {
    const answer = await ask('OPTIONS', '/v1/orders', preflight);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    for (const header of ['Authorization', 'Idempotency-Key', 'If-None-Match', 'Prefer', 'Last-Event-ID'])
      expect(answer.headers.get('access-control-allow-headers')).toContain(header);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('may read what our answers say in their headers, of refusals too', async () => {
    for (const path of ['/v1/orders', '/v1/orders/none', '/nowhere']) {
      const answer = await ask('GET', path, { origin: SHOP });
      expect(answer.headers.get('access-control-allow-origin')).toBe(SHOP);
      const told = answer.headers.get('access-control-expose-headers')!.split(',');
      expect(told).toEqual(expect.arrayContaining(['ETag', 'Location', 'Idempotent-Replayed', 'Preference-Applied']));
      expect(told).toEqual(expect.arrayContaining(['Retry-After', 'RateLimit', 'RateLimit-Policy', 'X-Request-Id']));
    }
  });

  it('is no page of another origin, and caches keep the two apart', async () => {
    for (const origin of ['https://evil.example', 'null', `${SHOP}.evil.example`, 'http://shop.example']) {
      for (const answer of [
        await ask('OPTIONS', '/v1/orders', { ...preflight, origin }),
        await ask('GET', '/livez', { origin }),
      ]) {
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
        expect(answer.headers.get('vary')).toContain('Origin');
      }
    }
  });

  it('leaves other OPTIONS what they were: a question which methods there are', async () => {
    const answer = await ask('OPTIONS', '/v1/orders', { origin: SHOP });
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
  });
});

describe('every answer has the id of its request', () => {
  it('its own, if it can stand in a log', async () => {
    for (const path of ['/livez', '/v1/orders', '/v1/orders/none', '/nowhere'])
      expect((await ask('GET', path, { 'x-request-id': 'abc-1:2' })).headers.get('x-request-id')).toBe('abc-1:2');
  });

  it('a new one, if it has none or one that could mislead', async () => {
    const ids = [];
    for (const given of [undefined, 'a b', 'x'.repeat(129), '"quoted"', 'é'])
      ids.push((await ask('GET', '/livez', given ? { 'x-request-id': given } : {})).headers.get('x-request-id')!);
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('an answer is compressed', () => {
  const list = async (accepts: string) => {
    const answer = await ask('GET', '/v1/items?pageSize=200', { 'accept-encoding': accepts });
    return {
      encoding: answer.headers.get('content-encoding'),
      vary: answer.headers.get('vary'),
      body: await answer.json(),
    };
  };

  it('where it is long, a client takes it that way, and it stays the same', async () => {
    for (let i = 0; i < 40; i++) await stocked(at.house, 0);
    const [plain, zipped] = [await list('identity'), await list('gzip')];
    expect([plain.encoding, zipped.encoding]).toEqual([null, 'gzip']);
    expect(zipped.vary).toContain('Accept-Encoding');
    expect(zipped.body).toEqual(plain.body);
  });

  it('but not where it is short, a command, or named by a strong validator', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    expect((await ask('GET', '/livez', headers)).headers.get('content-encoding')).toBeNull();
    expect((await ask('GET', '/v1/orders/none', headers)).headers.get('content-encoding')).toBeNull();
  });
});

it('a stream is never compressed, whatever its reader accepts: it would wait for more', async () => {
  const { id } = await placeThrough('rest', at.house, anOrder(await stocked(at.house, 5)));
  for (const accept of ['*/*', 'text/event-stream']) {
    const leave = new AbortController();
    const { origin, key } = at.house.rest;
    const headers = { authorization: `Bearer ${key}`, accept, 'accept-encoding': 'gzip, br' };
    const answer = await fetch(`${origin}/v1/orders/${id}/live`, { headers, signal: leave.signal });
    expect([answer.status, answer.headers.get('content-encoding')]).toEqual([200, null]);
    leave.abort();
  }
});

it('without CORS_ORIGINS no page of any origin is let in', async () => {
  const house = await aHouse({ DATABASE_URL: at.databaseUrl });
  try {
    const answer = await fetch(`${house.rest.origin}/livez`, { headers: { origin: SHOP } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  } finally {
    await house.close();
  }
});

it('what belongs to a module of another process is misdirected here, over REST and gRPC alike', async () => {
  const house = await aHouse({ DATABASE_URL: at.databaseUrl, RABBITMQ_URL: at.brokerUrl, MODULES: 'orders,inventory' });
  try {
    for (const [path, module] of [
      ['/v1/payments', 'payments'],
      ['/v1/payments/pay_1/refunds', 'payments'],
      ['/v1/notifications?orderId=x', 'notifications'],
    ]) {
      const { status, body, headers } = await house.rest.get(path!);
      expect([status, body.code, body.details]).toEqual([421, 'elsewhere', { module }]);
      expect(headers.get('content-type')).toContain('application/problem+json');
    }
    expect((await house.rest.get('/v1/paymentsx')).status).toBe(404);
    expect((await house.rest.get('/v1/orders')).status).toBe(200);
    const grpc = await house.grpc.call('payments.ListPayments', {}).catch((error: Error) => error);
    expect(grpc).toMatchObject({ code: 12, details: 'The module payments lives in another process.' });
    expect((await house.rest.get('/v1/ops/messages?module=payments')).status).toBe(421);
  } finally {
    await house.close();
  }
});
