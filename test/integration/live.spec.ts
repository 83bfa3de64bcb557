import { setTimeout as sleep } from 'node:timers/promises';
import { aHouse, type TestHouse } from '../support/house.js';
import { eventually } from '../support/eventually.js';
import { LIVE_KINDS, type LiveAt, LiveClient, type LiveKind } from '../support/live-client.js';
import { anOrder, orderIn, placeThrough, stocked, timelineOf } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

let second: TestHouse;
// Before the first house's own: it takes the database away.
afterAll(() => second.close());
const at = useHouse();
let sku: string;
const clients: LiveClient[] = [];

beforeAll(async () => {
  sku = await stocked(at.house, 1_000);
  second = await aHouse({ DATABASE_URL: at.databaseUrl, RABBITMQ_URL: at.brokerUrl });
});
afterEach(() => clients.splice(0).forEach((client) => client.close()));

const on = ({ rest, grpc }: TestHouse): LiveAt => ({ origin: rest.origin, grpc });
const follow = (kind: LiveKind, house: TestHouse, id: string, cursor?: string): LiveClient => {
  const client = LiveClient.follow(kind, on(house), id, cursor);
  clients.push(client);
  return client;
};
const track = (kind: 'ws' | 'grpc-many', request: object, house = at.house): LiveClient => {
  const client = LiveClient.track(kind, on(house), request);
  clients.push(client);
  return client;
};
const place = async (more: object = {}): Promise<string> =>
  (await placeThrough('rest', at.house, anOrder(sku, more))).id as string;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const TO_CONFIRMED = ['order-placed', 'order-authorised', 'order-reserved', 'order-confirmed'];

describe.each(LIVE_KINDS)('one order over %s', (kind) => {
  it('is told from its first entry to its last, as it happens, with the order as it is', async () => {
    const id = await place({ paymentMethod: 'pm_slow' });
    const client = follow(kind, at.house, id);
    await eventually(() => expect(client.sequences).toEqual(upTo(4)), { within: 20_000 });
    expect(client.updates.map((u) => u.type)).toEqual(TO_CONFIRMED);
    expect(await timelineOf(at.house, id)).toEqual(TO_CONFIRMED);
    for (const update of client.updates) {
      expect(update.orderId).toBe(id);
      expect(update.order.id).toBe(id);
      expect(update.resync ?? false).toBe(false);
    }
    expect(client.updates.at(-1)!.order.state).toBe('CONFIRMED');
    await sleep(200);
    expect(client.ended).toBeUndefined();
  });

  it('is told without gap or repetition when it goes on over another kind, on another replica, from each cursor', async () => {
    const id = await place();
    await orderIn(at.house, id, 'CONFIRMED');
    const whole = follow(kind, at.house, id);
    await eventually(() => expect(whole.sequences).toEqual(upTo(4)));
    for (const other of LIVE_KINDS)
      for (const seen of upTo(3)) {
        const rest = follow(other, second, id, whole.updates[seen - 1]!.cursor as string);
        await eventually(() => expect(rest.sequences).toEqual(upTo(4).slice(seen)));
        expect(rest.updates.map((u) => u.cursor)).toEqual(whole.updates.slice(seen).map((u) => u.cursor));
        rest.close();
      }
  });

  it('is there no more for whom it never was: 404, NOT_FOUND or an error', async () => {
    const client = follow(kind, at.house, 'ord_nobody');
    await eventually(() => expect(client.ended ?? client.errors[0]?.error.code).toBeDefined());
    const said = { sse: 404, grpc: 'NOT_FOUND', 'grpc-many': 'NOT_FOUND', ws: undefined }[kind];
    expect(client.ended).toBe(said);
    if (kind === 'ws') expect(client.errors[0].error).toMatchObject({ code: 'order-not-found', orderId: 'ord_nobody' });
  });

  it('begins anew with one snapshot where the cursor is unknown', async () => {
    const id = await place();
    await orderIn(at.house, id, 'CONFIRMED');
    const whole = follow(kind, at.house, id);
    await eventually(() => expect(whole.sequences).toEqual(upTo(4)));
    const stranger = follow(kind, at.house, id, Buffer.from('0123456789ab.7').toString('base64url'));
    await eventually(() => expect(stranger.updates).toHaveLength(1));
    expect(stranger.updates[0]).toMatchObject({ resync: true, sequence: 4, order: { id, state: 'CONFIRMED' } });
    await at.house.rest.post(`/v1/orders/${id}/cancellation`);
    await eventually(() => expect(stranger.sequences).toEqual([4, 5, 6, 7, 8]));
    expect(stranger.updates.slice(1).every((u) => !u.resync)).toBe(true);
  });
});

describe('the end of an order', () => {
  it.each(['sse', 'grpc'] as const)('ends its stream over %s, and nothing is left for who comes back', async (kind) => {
    const id = await place({ paymentMethod: 'pm_declined' });
    const client = follow(kind, at.house, id);
    await eventually(() => expect(client.ended).toBe(kind === 'sse' ? 'end' : 'OK'));
    expect(client.updates.map((u) => u.type)).toEqual(['order-placed', 'order-rejected']);
    const again = follow(kind, at.house, id, client.cursor);
    await eventually(() => expect(again.ended).toBe(kind === 'sse' ? 204 : 'OK'));
    expect(again.updates).toEqual([]);
  });

  it('ends TrackOrders when the client has asked for all it wants', async () => {
    const ids = [await place({ paymentMethod: 'pm_declined' }), await place({ paymentMethod: 'pm_declined' })];
    const call = at.house.grpc.stream('orders.TrackOrders');
    const client = new LiveClient();
    client.overGrpc(call);
    call.write({ track: ids });
    call.end();
    await eventually(() => expect(client.ended).toBe('OK'));
    expect(client.updates).toHaveLength(4);
  });
});

describe.each(['ws', 'grpc-many'] as const)('many orders over %s', (kind) => {
  it('come in one stream, each without a gap, and its last cursor resumes all of them', async () => {
    const first = [await place(), await place()];
    const client = track(kind, { track: first });
    await eventually(() => expect(client.updates).toHaveLength(8), { within: 20_000 });
    const late = await place({ paymentMethod: 'pm_declined' });
    client.send({ track: [late] });
    await eventually(() => expect(client.updates).toHaveLength(10));
    for (const id of first) expect(sequencesOf(client, id)).toEqual(upTo(4));
    expect(sequencesOf(client, late)).toEqual([1, 2]);
    const again = track(kind, { track: [...first, late], cursor: client.cursor }, second);
    await at.house.rest.post(`/v1/orders/${first[0]}/cancellation`);
    await eventually(() => expect(again.sequences).toEqual([5, 6, 7, 8]));
  });

  it('are told no more when they are not tracked', async () => {
    const id = await place();
    const client = track(kind, { track: [id] });
    await eventually(() => expect(client.sequences).toEqual(upTo(4)));
    client.send({ untrack: [id] });
    const other = await place();
    client.send({ track: [other] });
    await eventually(() => expect(sequencesOf(client, other)).toEqual(upTo(4)));
    await at.house.rest.post(`/v1/orders/${id}/cancellation`);
    await orderIn(at.house, id, 'CANCELLED');
    await sleep(300);
    expect(sequencesOf(client, id)).toEqual(upTo(4));
  });

  it('as `mine` are all that a key may list, from now on or from a cursor', async () => {
    const client = track(kind, { mine: true });
    await eventually(() => expect(client.opened).toBe(true));
    // What is placed before the request arrived is not told, so one is placed until one is.
    const probe = await eventually(
      async () => {
        const id = await place({ paymentMethod: 'pm_declined' });
        await eventually(() => expect(sequencesOf(client, id)).toEqual([1, 2]), { within: 3_000 });
        return id;
      },
      { within: 20_000 },
    );
    const { cursor } = client.updates.find((u) => u.orderId === probe)!;
    client.close();
    const id = await place();
    await orderIn(at.house, id, 'CONFIRMED');
    const again = track(kind, { mine: true, cursor }, second);
    await eventually(() => {
      expect(sequencesOf(again, probe)).toEqual([2]);
      expect(sequencesOf(again, id)).toEqual(upTo(4));
    });
  });

  it('may be followed by their ids and as `mine`, and are told once all the same', async () => {
    const id = await place();
    await orderIn(at.house, id, 'CONFIRMED');
    const first = track(kind, { track: [id] });
    await eventually(() => expect(first.sequences).toEqual(upTo(4)));
    const { cursor } = first.updates[1]!;
    const both = track(kind, { track: [id], mine: true, cursor });
    const after = track(kind, { mine: true, cursor });
    await eventually(() => expect(after.sequences).toContain(4));
    after.send({ track: [id] });
    await at.house.rest.post(`/v1/orders/${id}/cancellation`);
    await eventually(() => expect(sequencesOf(both, id)).toEqual([3, 4, 5, 6, 7, 8]));
    await eventually(() => expect(sequencesOf(after, id).sort()).toEqual(upTo(8)));
  });

  it('are a thousand at most', async () => {
    const client = track(kind, { track: Array.from({ length: 1_001 }, (_, i) => `ord_${i}`) });
    await eventually(() => expect(client.ended ?? client.errors[0]?.error.code).toBeDefined());
    if (kind === 'ws') expect(client.errors[0].error.code).toBe('invalid');
    else expect(client.ended).toBe('INVALID_ARGUMENT');
  });
});

describe('a WebSocket', () => {
  it('is told what is wrong with a message, and goes on', async () => {
    const client = track('ws', { track: 'all' });
    await eventually(() => expect(client.errors).toHaveLength(1));
    for (const wrong of ['{', '[]', '{"follow":[]}', '{"mine":null}', '{"cursor":" "}']) client.send(wrong as never);
    await eventually(() => expect(client.errors).toHaveLength(6));
    expect(client.errors.map((e) => e.error.code)).toEqual([
      'invalid',
      'undecodable',
      'invalid',
      'invalid',
      'invalid',
      'invalid',
    ]);
    const id = await place();
    client.send({ track: [id] });
    await eventually(() => expect(client.sequences).toEqual(upTo(4)));
  });
});

const sequencesOf = (client: LiveClient, id: string): number[] =>
  client.updates.filter((u) => u.orderId === id).map((u) => Number(u.sequence));
