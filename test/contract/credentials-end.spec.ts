import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Access } from '../../src/access/access.js';
import { eventually } from '../support/eventually.js';
import { GrpcClient } from '../support/grpc-client.js';
import { API_KEYS, KEY } from '../support/house.js';
import { Issuer } from '../support/issuer.js';
import { LIVE_KINDS, LiveClient, type LiveKind } from '../support/live-client.js';
import { anOrder, type Gate, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const directory = mkdtempSync(join(tmpdir(), 'sanmon-keys-'));
const file = join(directory, 'keys');
let issuer: Issuer;
const at = useHouse(async () => {
  issuer = await Issuer.open();
  writeFileSync(file, `${API_KEYS};old:an-old-key:orders:read+orders:write`);
  return { ...issuer.settings, API_KEYS: '', API_KEYS_FILE: file };
});
afterAll(async () => {
  await issuer.close();
  rmSync(directory, { recursive: true });
});

// A command that is published before its queue is bound goes nowhere.
beforeAll(() => eventually(async () => expect((await at.house.rest.get('/readyz')).body.status).toBe('ok')));

const access = (): Access => at.house.house.app.get(Access, { strict: false });
const GATES: Gate[] = ['rest', 'grpc', 'amqp'];
const codes = (secret: string) =>
  Promise.all(
    GATES.map(async (gate) => (await at.caller.call(gate, 'orders.cancel', { id: 'none' }, { secret })).code),
  );

it('a key that is taken out of the file is refused on every gate within 5 s, and what lives by it is told', async () => {
  expect(await codes('an-old-key')).toEqual(['order-not-found', 'order-not-found', 'order-not-found']);
  const [old, kept] = [await access().principal('Bearer an-old-key'), await access().principal(`Bearer ${KEY}`)];
  expect([access().stillValid(old), access().stillValid(kept)]).toEqual([true, true]);
  writeFileSync(file, API_KEYS);
  await eventually(() => expect(access().stillValid(old)).toBe(false), { within: 20_000 });
  expect(await codes('an-old-key')).toEqual(['unauthenticated', 'unauthenticated', 'unauthenticated']);
  expect(access().stillValid(kept)).toBe(true);
});

it('a token says when it ends, and what lives by it is told then', async () => {
  // Another one after a stall, in which it may have ended before we looked.
  const by = await eventually(async () => {
    const ends = Math.floor(Date.now() / 1_000) - 28;
    const one = await access().principal(`Bearer ${await issuer.token('ada', { claims: { exp: ends } })}`);
    // 30 s are allowed between two clocks.
    expect(one.expiresAt).toBe((ends + 30) * 1_000);
    expect(access().stillValid(one)).toBe(true);
    return one;
  });
  await eventually(() => expect(access().stillValid(by)).toBe(false), { within: 30_000 });
});

it('a stream ends with the token it was opened with, over each kind, and not before', async () => {
  const sku = await stocked(at.house, 5);
  const { id } = await placeThrough('rest', at.house, anOrder(sku));
  await orderIn(at.house, id, 'CONFIRMED');
  // What is too short on a slow machine is long enough on most.
  const { exp, clients, close } = await allFollow(id, 4).catch(() => allFollow(id, 25));
  try {
    await eventually(
      () => expect(clients.map(({ ended }) => ended)).toEqual(['end', 4401, 'UNAUTHENTICATED', 'UNAUTHENTICATED']),
      { within: 60_000 },
    );
    expect(Date.now()).toBeGreaterThanOrEqual((exp + 30) * 1_000);
  } finally {
    close();
  }
});

/** Opens a stream of each kind with a token that ends in so many seconds, by when each must have brought what there is. */
async function allFollow(id: string, seconds: number) {
  // 30 s are allowed between two clocks.
  const exp = Math.floor(Date.now() / 1_000) + seconds - 30;
  const token = await issuer.token('ada', { claims: { exp } });
  const grpc = new GrpcClient(`127.0.0.1:${at.house.house.grpcPort}`, token);
  const clients = LIVE_KINDS.map((kind) => follow(kind, id, token, grpc));
  const close = () => {
    clients.forEach((client) => client.close());
    grpc.close();
  };
  try {
    await eventually(() => expect(clients.map(({ updates }) => updates.length)).toEqual([4, 4, 4, 4]), {
      within: (seconds - 1) * 1_000,
    });
  } catch (error) {
    close();
    throw error;
  }
  return { exp, clients, close };
}

function follow(kind: LiveKind, id: string, token: string, grpc: GrpcClient): LiveClient {
  const client = new LiveClient();
  const { origin } = at.house.rest;
  const headers = { authorization: `Bearer ${token}` };
  if (kind === 'sse') client.overSse(origin, `/v1/orders/${id}/live`, undefined, headers);
  else if (kind === 'ws') client.overWs(origin, { track: [id] }, headers);
  else if (kind === 'grpc') return LiveClient.follow(kind, { origin, grpc }, id);
  else return LiveClient.track('grpc-many', { origin, grpc }, { track: [id] });
  return client;
}
