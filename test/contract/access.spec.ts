import { SCOPES } from '../../src/access/principal.js';
import { API_KEYS } from '../support/house.js';
import type { Gate } from '../support/shop.js';
import { type Surface, surface } from '../../src/documents/generator/surface.js';
import { useHouse } from '../support/use-house.js';

const READER = 'a-reading-key';
/** One key for each scope that has everything else, and one that has nothing but it. */
const without = (scope: string): string => `all-but-${scope.replace(':', '-')}`;
const only = (scope: string): string => `only-${scope.replace(':', '-')}`;
const keys = SCOPES.flatMap((scope) => [
  `${without(scope)}:${without(scope)}:${SCOPES.filter((s) => s !== scope).join('+')}`,
  `${only(scope)}:${only(scope)}:${scope}`,
]);
const at = useHouse({ API_KEYS: [API_KEYS, ...keys].join(';') });

/** Every operation over every gate that it has. */
const doors = surface().flatMap((operation) =>
  (['rest', 'grpc', 'amqp'] as Gate[])
    .filter((gate) => gate !== 'amqp' || operation.amqp)
    .map((gate): [name: string, gate: Gate, of: Surface] => [operation.traits.name, gate, operation]),
);

const UNAUTHENTICATED: Record<Gate, string> = { rest: '401', grpc: 'UNAUTHENTICATED', amqp: 'unauthenticated' };
const FORBIDDEN: Record<Gate, string> = { rest: '403', grpc: 'PERMISSION_DENIED', amqp: 'forbidden' };

const knock = (gate: Gate, { traits }: Surface, secret: string | null) =>
  at.caller.call(gate, traits.name, {}, { secret });

it('knows every door: three for each operation, two for a stream', () => {
  const streams = surface().filter(({ traits }) => traits.streams).length;
  expect(doors).toHaveLength(3 * surface().length - streams);
});

describe.each(doors)('%s over %s', (_name, gate, operation) => {
  const { scope } = operation.traits;

  it('refuses every wrong credential alike, before it looks at the input', async () => {
    const wrong = ['wrong', READER.toUpperCase(), `${READER}x`, 'x'.repeat(4_000), 'eyJhbGciOiJub25lIn0.e30.'];
    const said = [];
    for (const secret of wrong) said.push(await knock(gate, operation, secret));
    for (const { code, status, message } of said)
      expect([code, status, message]).toEqual(['unauthenticated', UNAUTHENTICATED[gate], said[0]!.message]);
    expect(said[0]!.message).not.toMatch(/wrong|scope|known/);
  });

  it('refuses a caller whose scopes are all the others', async () => {
    const { code, status, message } = await knock(gate, operation, without(scope));
    expect([code, status]).toEqual(['missing-scope', FORBIDDEN[gate]]);
    expect(message).toContain(scope);
  });

  it('lets a caller in who has its scope and no other', async () => {
    const { code } = await knock(gate, operation, only(scope));
    expect(['unauthenticated', 'missing-scope']).not.toContain(code);
  });

  it('refuses the reading key where something is written', async () => {
    const { code } = await knock(gate, operation, READER);
    const may = ['orders:read', 'inventory:read'].includes(scope);
    expect(code === 'missing-scope').toBe(!may);
  });

  it('takes nobody without a credential, but publishers whom the broker let in', async () => {
    const { code, status } = await knock(gate, operation, null);
    if (gate === 'amqp') expect(code === 'missing-scope').toBe(!['orders:write', 'inventory:write'].includes(scope));
    else expect([code, status]).toEqual(['unauthenticated', UNAUTHENTICATED[gate]]);
  });
});

describe('other ways to show a credential', () => {
  it.each(['Basic c2hvcDp4', 'a-key-of-the-tests', 'Bearer', 'bearer', '', 'Bearer a-key-of-the-tests, Bearer x'])(
    'are none: authorization: %j',
    async (authorization) => {
      const rest = await at.caller.http('GET', '/v1/orders', undefined, { authorization });
      expect([rest.status, rest.code]).toEqual(['401', 'unauthenticated']);
      expect(rest.headers.get('www-authenticate')).toBe('Bearer');
      const grpc = await at.caller.rpc('orders.list', Buffer.alloc(0), { authorization });
      expect([grpc.status, grpc.code]).toEqual(['UNAUTHENTICATED', 'unauthenticated']);
      const amqp = await at.caller.letter('orders.cancel', {}, { headers: { authorization } });
      expect([amqp.status, amqp.code]).toEqual(['unauthenticated', 'unauthenticated']);
    },
  );

  it('are none over AMQP when they are no text, and then nobody is taken for the publisher', async () => {
    for (const authorization of [1, true, { bearer: 'a-key-of-the-tests' }, ['Bearer a-key-of-the-tests']]) {
      const { code } = await at.caller.letter('orders.cancel', {}, { headers: { authorization } });
      expect(code).toBe('unauthenticated');
    }
  });

  it('may be written with another case of the scheme', async () => {
    const headers = { authorization: 'bearer   a-key-of-the-tests' };
    expect((await at.caller.http('GET', '/v1/orders', undefined, headers)).status).toBe('200');
  });
});

it('leaves /livez and /readyz open to everybody', async () => {
  for (const path of ['/livez', '/readyz'])
    expect((await at.caller.http('GET', path, undefined, {})).status).toBe('200');
});

it('keeps no credential of anybody in what it parked', async () => {
  const rows = await at.rows<{ text: string }>(
    `SELECT coalesce(headers, '') || coalesce(body, '') AS text FROM orders.inbox UNION ALL SELECT coalesce(headers, '') FROM inventory.inbox`,
  );
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter(({ text }) => /bearer|authorization/i.test(text))).toEqual([]);
});
