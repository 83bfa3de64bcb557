import { createHmac } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { Issuer } from '../support/issuer.js';
import { anOrder, type Gate, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const SHARED = 'a secret that must never be a key';
let issuer: Issuer;
const at = useHouse(async () => {
  issuer = await Issuer.open();
  issuer.extra = [
    { kty: 'oct', kid: 'shared', k: Buffer.from(SHARED).toString('base64url') },
    { kty: 'RSA', kid: 'short', e: 'AQAB', n: 'x'.repeat(171) },
  ];
  return issuer.settings;
});
afterAll(() => issuer.close());

const GATES: Gate[] = ['rest', 'grpc', 'amqp'];
/** Over each gate a call that a customer may make; what it names is not there. */
const cancel = (gate: Gate, secret: string | null) =>
  at.caller.call(gate, 'orders.cancel', { id: 'ord_nothing' }, { secret });
const now = (): number => Math.floor(Date.now() / 1_000);

/** Every way in which a credential is not one. */
const wrong: Record<string, () => string | Promise<string>> = {
  'is no token': () => 'no-key-of-ours',
  'is malformed': () => 'eyJhbGciOiJSUzI1NiJ9.e30',
  'is not even text of that form': () => '..',
  'has ended': () => issuer.token('ada', { claims: { exp: now() - 61 } }),
  'is not valid yet': () => issuer.token('ada', { claims: { nbf: now() + 300 } }),
  'never ends': () => issuer.token('ada', { claims: { exp: undefined } }),
  'is of nobody': () => issuer.token('ada', { claims: { sub: undefined } }),
  'is of a subject that no customer can have': () => issuer.token('a\nb'),
  'is for others': () => issuer.token('ada', { claims: { aud: 'another-shop' } }),
  'is for nobody in particular': () => issuer.token('ada', { claims: { aud: undefined } }),
  'is by another issuer': () => issuer.token('ada', { claims: { iss: 'https://id.example' } }),
  'is not signed (alg none)': () => issuer.unsigned('ada'),
  'is signed with the public key as a shared secret': () => issuer.confused('ada'),
  'is signed with a shared secret of the key set': () => {
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'shared' })).toString('base64url');
    const body = Buffer.from(JSON.stringify({ sub: 'ada' })).toString('base64url');
    return `${head}.${body}.${createHmac('sha256', SHARED).update(`${head}.${body}`).digest('base64url')}`;
  },
  'is signed by a key that is not in the set': () => issuer.token('ada', { header: { kid: 'rsa-9' } }),
  'names no key': () => issuer.token('ada', { header: { kid: undefined } }),
  'names the key of another algorithm': () => issuer.token('ada', { header: { kid: 'ec-1' } }),
  'was changed after it was signed': async () => {
    const [head, , signature] = (await issuer.token('ada')).split('.');
    const [, body] = (await issuer.token('eve')).split('.');
    return `${head}.${body}.${signature}`;
  },
  'is a token for something else': () => issuer.token('ada', { header: { typ: 'logout+jwt' } }),
};

describe.each(GATES)('over %s', (gate) => {
  it.each(['rsa-1', 'ec-1'])('a token signed by %s is its customer', async (kid) => {
    const { code } = await cancel(gate, await issuer.token('ada', { kid }));
    expect(code).toBe('order-not-found');
  });

  it('a token is taken from clocks that are half a minute apart', async () => {
    const claims = { exp: now() - 15, nbf: now() + 15 };
    expect((await cancel(gate, await issuer.token('ada', { claims }))).code).toBe('order-not-found');
  });

  it('no wrong credential is told what is wrong with it: all are answered in the same bytes', async () => {
    const answers = new Set<string>();
    for (const [name, make] of Object.entries(wrong)) {
      const { code, raw } = await cancel(gate, await make());
      expect([name, code]).toEqual([name, 'unauthenticated']);
      answers.add(raw);
    }
    // Over RabbitMQ whoever shows none is the publisher; over the others it is one more way to be nobody.
    if (gate !== 'amqp') answers.add((await cancel(gate, null)).raw);
    expect(answers.size).toBe(1);
  });
});

it('is one caller over all gates: what was asked over one is answered again over the others', async () => {
  const sku = await stocked(at.house, 5);
  const { customerId: _left, ...order } = anOrder(sku);
  const answers = [];
  for (const [i, gate] of GATES.entries()) {
    // A new token each time, the customer named in one of them: it is the same command of the same caller.
    const input = i === 1 ? { ...order, customerId: 'grace' } : order;
    answers.push(
      await at.caller.call(gate, 'orders.place', input, { key: 'once', secret: await issuer.token('grace') }),
    );
  }
  expect(answers.map(({ code, replayed }) => [code, replayed])).toEqual([
    ['ok', false],
    ['ok', true],
    ['ok', true],
  ]);
  expect(new Set(answers.map(({ result }) => result.id)).size).toBe(1);
  expect(answers[0]!.result.customerId).toBe('grace');
});

it('is never a way around the API keys: a customer may not have the scopes of the house', async () => {
  const secret = await issuer.token('ada');
  const asked: [string, object][] = [
    ['inventory.put-item', { sku: 'a', name: 'A', currency: 'JPY', unitPrice: 1 }],
    ['inventory.receive-stock', { sku: 'a', quantity: 1 }],
    ['ops.list-messages', {}],
  ];
  for (const [operation, input] of asked) {
    for (const gate of GATES.filter((g) => g !== 'amqp' || !operation.startsWith('ops.')))
      expect((await at.caller.call(gate, operation, input, { secret })).code).toBe('missing-scope');
  }
});

it('takes scopes from `scope` alone, and none that it does not know', async () => {
  for (const scope of [undefined, '', 'orders', 'orders:read,orders:write', 'orders:*', ['orders:write']])
    expect((await cancel('rest', await issuer.token('ada', { claims: { scope } }))).code).toBe('missing-scope');
});

describe('the keys of the issuer', () => {
  it('are asked for again when a new one is used, and however many unknown ones come, not more often than every 5 s', async () => {
    await issuer.addKey('rsa-2');
    const secret = await issuer.token('ada', { kid: 'rsa-2' });
    await eventually(async () => expect((await cancel('rest', secret)).code).toBe('order-not-found'), {
      within: 15_000,
    });
    const before = issuer.asked;
    const strange = await Promise.all(
      Array.from({ length: 100 }, (_, i) => issuer.token('ada', { header: { kid: `unknown-${i}` } })),
    );
    const codes = await Promise.all(strange.map(async (one) => (await cancel('rest', one)).code));
    expect(new Set(codes)).toEqual(new Set(['unauthenticated']));
    expect(issuer.asked - before).toBeLessThanOrEqual(1);
  });

  it('may be away: who is known goes on, who is not is told to come again, and nobody is let in', async () => {
    const known = await issuer.token('ada');
    const unknown = await issuer.token('ada', { header: { kid: 'unknown' } });
    await issuer.close();
    await eventually(
      async () => {
        const { code, status } = await cancel('rest', unknown);
        expect([code, status]).toEqual(['token-keys-unavailable', '503']);
      },
      { within: 15_000 },
    );
    expect((await cancel('grpc', unknown)).status).toBe('UNAVAILABLE');
    for (const gate of GATES) expect((await cancel(gate, known)).code).toBe('order-not-found');
    await issuer.listen();
    await eventually(async () => expect((await cancel('rest', unknown)).code).toBe('unauthenticated'), {
      within: 15_000,
    });
  });
});
