import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { get } from 'node:http';
import { Access } from '../../src/access/access.js';
import { Refusals } from '../../src/access/refusals.js';
import { eventually } from '../support/eventually.js';
import { GrpcClient } from '../support/grpc-client.js';
import { API_KEYS, KEY } from '../support/house.js';
import { LIVE_KINDS, LiveClient, type LiveKind } from '../support/live-client.js';
import { anOrder, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const keys = join(mkdtempSync(join(tmpdir(), 'sanmon-keys-')), 'keys');
const TEMPORARY = 'a-temporary-key';
writeFileSync(keys, `${API_KEYS};temporary:${TEMPORARY}:orders:read`);
const SHOP = 'https://shop.example';
const at = useHouse({ API_KEYS: undefined as never, API_KEYS_FILE: keys, CORS_ORIGINS: SHOP });
let sku: string;
let id: string;
let others: GrpcClient[] = [];
let clients: LiveClient[] = [];

beforeAll(async () => {
  sku = await stocked(at.house, 1_000);
  ({ id } = await placeThrough('rest', at.house, anOrder(sku)));
  await orderIn(at.house, id, 'CONFIRMED');
});
afterEach(() => {
  clients.splice(0).forEach((client) => client.close());
  others.splice(0).forEach((client) => client.close());
  clients = [];
  others = [];
  jest.restoreAllMocks();
});

/** Follows the order with another credential; null = none. */
function follow(kind: LiveKind, secret: string | null, order = id): LiveClient {
  const client = new LiveClient();
  clients.push(client);
  const headers: Record<string, string> = secret === null ? {} : { authorization: `Bearer ${secret}` };
  if (kind === 'sse') client.overSse(at.house.rest.origin, `/v1/orders/${order}/live`, undefined, headers);
  else if (kind === 'ws') client.overWs(at.house.rest.origin, { track: [order] }, headers);
  else {
    const grpc = new GrpcClient(`127.0.0.1:${at.house.house.grpcPort}`, KEY);
    others.push(grpc);
    const shown = { authorization: secret === null ? 'none' : `Bearer ${secret}` };
    const call =
      kind === 'grpc'
        ? grpc.stream('orders.WatchOrder', { id: order }, shown)
        : grpc.stream('orders.TrackOrders', undefined, shown);
    client.overGrpc(call);
    if (kind === 'grpc-many') call.write({ track: [order] });
  }
  return client;
}

/** A customer's own token; who makes one out of a JWT is not the streams' business. */
function letCustomersIn(): void {
  const access = at.house.house.app.get(Access);
  const real = access.principal.bind(access);
  jest.spyOn(access, 'principal').mockImplementation((authorization, otherwise) => {
    const [, customerId] = /customer-(.*)$/.exec(authorization ?? '') ?? [];
    if (!customerId) return real(authorization, otherwise);
    return Promise.resolve({ name: `customer:${customerId}`, scopes: new Set(['orders:read'] as const), customerId });
  });
}

const SAID = {
  unauthenticated: { sse: 401, ws: 401, grpc: 'UNAUTHENTICATED', 'grpc-many': 'UNAUTHENTICATED' },
  forbidden: { sse: 403, ws: 403, grpc: 'PERMISSION_DENIED', 'grpc-many': 'PERMISSION_DENIED' },
  later: { sse: 'end', ws: 4401, grpc: 'UNAUTHENTICATED', 'grpc-many': 'UNAUTHENTICATED' },
  less: { sse: 'end', ws: 4403, grpc: 'PERMISSION_DENIED', 'grpc-many': 'PERMISSION_DENIED' },
};

describe.each(LIVE_KINDS)('over %s', (kind) => {
  it('nobody is let in without a credential, with a wrong one, or without orders:read', async () => {
    writeFileSync(keys, `${API_KEYS};temporary:${TEMPORARY}:orders:read;writer:a-writing-key:orders:write`);
    await eventually(async () => {
      const { status } = await at.caller.http('GET', '/v1/orders', undefined, {
        authorization: 'Bearer a-writing-key',
      });
      expect(status).toBe('403');
    });
    for (const secret of [null, 'wrong']) {
      const client = follow(kind, secret);
      await eventually(() => expect(client.ended).toBe(SAID.unauthenticated[kind]));
    }
    const writer = follow(kind, 'a-writing-key');
    await eventually(() => expect(writer.ended).toBe(SAID.forbidden[kind]));
  });

  it("another customer's order looks as if it were not there", async () => {
    letCustomersIn();
    const own = follow(kind, 'customer-ada');
    await eventually(() => expect(own.updates).toHaveLength(4));
    const stranger = follow(kind, 'customer-bob');
    if (kind === 'ws') {
      await eventually(() => expect(stranger.errors[0]?.error.code).toBe('order-not-found'));
      stranger.send({ mine: true, cursor: own.updates[0]!.cursor });
    } else await eventually(() => expect(stranger.ended).toBe(kind === 'sse' ? 404 : 'NOT_FOUND'));
    const bobs = (await placeThrough('rest', at.house, anOrder(sku, { customerId: 'bob' }))).id as string;
    await orderIn(at.house, bobs, 'CONFIRMED');
    await at.house.rest.post('/v1/orders', anOrder(sku));
    if (kind === 'ws') {
      await eventually(() => expect(stranger.updates.filter((u) => u.orderId === bobs)).toHaveLength(4));
      expect(new Set(stranger.updates.map((u) => u.order.customerId))).toEqual(new Set(['bob']));
    } else expect(stranger.updates).toEqual([]);
  });
});

it('a stream of any kind ends when its key is taken away, and others go on', async () => {
  const all = (secret: string): LiveClient[] => LIVE_KINDS.map((kind) => follow(kind, secret));
  const told = (some: LiveClient[]): number[] => some.map(({ updates }) => updates.length);
  const ends = (some: LiveClient[]): unknown[] => some.map(({ ended }) => ended);
  const [mine, rest] = [all(TEMPORARY), all(KEY)];
  await eventually(() => expect(told([...mine, ...rest])).toEqual(Array(8).fill(4)));
  writeFileSync(keys, API_KEYS);
  await eventually(() => expect(ends(mine)).toEqual(LIVE_KINDS.map((kind) => SAID.later[kind])), { within: 40_000 });
  expect(ends(rest)).toEqual(Array(4).fill(undefined));
  writeFileSync(keys, `${API_KEYS};temporary:${TEMPORARY}:orders:read`);
  const again = await eventually(
    async () => {
      const some = all(TEMPORARY);
      await eventually(() => expect(told(some)).toEqual(Array(4).fill(4)), { within: 1_000 });
      return some;
    },
    { within: 40_000 },
  );
  writeFileSync(keys, `${API_KEYS};temporary:${TEMPORARY}:inventory:read`);
  await eventually(() => expect(ends(again)).toEqual(LIVE_KINDS.map((kind) => SAID.less[kind])), { within: 40_000 });
  writeFileSync(keys, `${API_KEYS};temporary:${TEMPORARY}:orders:read`);
});

it('a customer who comes back misses nothing of the older ones of its orders, however many it has', async () => {
  letCustomersIn();
  const follows = (cursor?: string): LiveClient => {
    const client = new LiveClient();
    clients.push(client);
    const request = { mine: true, ...(cursor !== undefined && { cursor }) };
    client.overWs(at.house.rest.origin, request, { authorization: 'Bearer customer-carol' });
    return client;
  };
  const placed = (await placeThrough('rest', at.house, anOrder(sku, { customerId: 'carol' }))).id as string;
  await orderIn(at.house, placed, 'CONFIRMED');
  const first = follows(Buffer.from('0123456789ab.7').toString('base64url'));
  // One snapshot; or all four entries, when this process had not read as far yet.
  await eventually(() => expect(first.sequences.at(-1)).toBe(4));
  first.close();
  // Newer ones, as many as one stream tells of from the beginning; they are taken away again.
  await at.rows(
    `INSERT INTO orders.orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', 'ord_z' || n))).*
       FROM orders.orders o, generate_series(1, 1000) n WHERE o.id = $1`,
    [placed],
  );
  try {
    // While somebody follows, this process has read the feed as far as it goes: what is told next is history.
    const witness = follow('ws', KEY, placed);
    await at.house.rest.post(`/v1/orders/${placed}/cancellation`);
    await eventually(() => expect(witness.sequences).toContain(8));
    const again = follows(first.cursor);
    await eventually(() => expect(again.sequences).toEqual([5, 6, 7, 8]));
  } finally {
    await at.rows(`DELETE FROM orders.orders WHERE id LIKE 'ord_z%'`);
  }
});

it('who is refused at the door of a stream is noted for the log of refusals, without what was shown', async () => {
  const noted = jest.spyOn(Refusals.prototype, 'note');
  for (const kind of LIVE_KINDS) {
    const client = follow(kind, `a-secret-over-${kind}`);
    await eventually(() => expect(client.ended).toBe(SAID.unauthenticated[kind]));
  }
  const told = noted.mock.calls.map(
    ([{ principal, operation, gate, code }]) => `${principal} ${operation} ${gate} ${code}`,
  );
  expect(told.sort()).toEqual(
    ['track grpc', 'track rest', 'watch grpc', 'watch rest'].map((door) => `nobody orders.${door} unauthenticated`),
  );
  expect(JSON.stringify(noted.mock.calls)).not.toContain('a-secret');
});

describe('a credential in the query', () => {
  it('opens an event stream and a WebSocket', async () => {
    const sse = new LiveClient();
    sse.overSse(at.house.rest.origin, `/v1/orders/${id}/live?access_token=${KEY}`, undefined, {});
    const ws = new LiveClient();
    ws.overWs(at.house.rest.origin, { track: [id] }, {}, `?access_token=${KEY}`);
    clients.push(sse, ws);
    await eventually(() => expect([sse.updates.length, ws.updates.length]).toEqual([4, 4]));
  });

  it('opens nothing else, and nothing beside a header', async () => {
    const list = await at.caller.http('GET', `/v1/orders?access_token=${KEY}`, undefined, {});
    expect(list.status).toBe('401');
    const both = new LiveClient();
    both.overSse(at.house.rest.origin, `/v1/orders/${id}/live?access_token=${KEY}`);
    clients.push(both);
    await eventually(() => expect(both.ended).toBe(401));
  });
});

describe('an upgrade', () => {
  it('of a page is for the pages of CORS_ORIGINS and our own; who sends no Origin is no browser', async () => {
    const open = async (origin: string | undefined): Promise<number | string> => {
      const client = new LiveClient();
      clients.push(client);
      const headers = { authorization: `Bearer ${KEY}`, ...(origin !== undefined && { origin }) };
      client.overWs(at.house.rest.origin, { track: [id] }, headers);
      return eventually(() => {
        expect(client.ended ?? client.updates.length).toBeGreaterThan(3);
        return client.ended ?? 'open';
      });
    };
    for (const origin of [undefined, SHOP, at.house.rest.origin])
      expect([origin, await open(origin)]).toEqual([origin, 'open']);
    for (const origin of ['https://evil.example', 'null', '', `${SHOP}.evil.example`, 'http://shop.example'])
      expect([origin, await open(origin)]).toEqual([origin, 403]);
  });

  it('at another path is 404, and one to another protocol is a request like any other', async () => {
    const request = (path: string, upgrade: string) =>
      new Promise<number>((resolve, reject) =>
        get(
          at.house.rest.origin + path,
          { agent: false, headers: { connection: 'Upgrade', upgrade, authorization: `Bearer ${KEY}` } },
          (response) => resolve(response.resume().statusCode!),
        ).on('error', reject),
      );
    expect(await request('/v1/elsewhere', 'websocket')).toBe(404);
    expect(await request(`/v1/orders/${id}`, 'h2c')).toBe(200);
    const posted = await at.caller.http('POST', '/v1/orders', JSON.stringify(anOrder(sku)));
    expect(posted.status).toBe('202');
  });
});
