import protobuf from 'protobufjs';
import { Undecodable } from '../admit.js';
import { codecOf, decodeInput, protoCodec } from './codec.js';
import { schema } from './schema.js';

const order = {
  id: 'ord_0199f0c2-7b1e-7c3e-9a55-2f9f3a3b4c5d',
  state: 'PLACED',
  customerId: 'cus_1',
  email: 'someone@example.com',
  currency: 'JPY',
  lines: [{ sku: 'A-1', name: '門', quantity: 2, unitPrice: 0, amount: 0 }],
  total: 10 ** 12,
  paymentMethod: 'pm_ok',
  locale: 'ja',
  version: 1,
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '1969-12-31T23:59:59.999Z',
};
const orders = protoCodec('sanmon.orders.v1.Order');
const placing = protoCodec('sanmon.orders.v1.PlaceOrderRequest');
const placingType = () => schema().lookupType('sanmon.orders.v1.PlaceOrderRequest');
const raw = (message: object): Buffer => Buffer.from(placingType().encode(placingType().fromObject(message)).finish());
const refusal = (bytes: Buffer): [string, string] => {
  const input = decodeInput(placing, bytes) as Undecodable;
  expect(input).toBeInstanceOf(Undecodable);
  return [input.field, input.why];
};

describe('the codec', () => {
  it('gives back what it was given, in the same order, with absent optionals absent', () => {
    expect(JSON.stringify(orders.decode(orders.encode(order)))).toBe(JSON.stringify(order));
    const noted = { ...order, reason: '', note: 'x'.repeat(5000) };
    expect(orders.decode(orders.encode(noted))).toStrictEqual(noted);
  });

  it('writes what protobufjs reads', () => {
    const type = schema().lookupType('sanmon.orders.v1.Order');
    const read = type.toObject(type.decode(orders.encode(order)), { longs: Number, enums: String, defaults: true });
    expect(read).toMatchObject({
      ...order,
      createdAt: { seconds: 1767323045, nanos: 678e6 },
      updatedAt: { seconds: -1, nanos: 999e6 },
    });
  });

  it('fills in what a client left out, except optional fields and messages', () => {
    expect(placing.decode(Buffer.alloc(0))).toStrictEqual({
      email: '',
      currency: '',
      lines: [],
      paymentMethod: '',
    });
    expect(orders.decode(Buffer.alloc(0))).toMatchObject({ state: 'STATE_UNSPECIFIED', total: 0 });
    expect(orders.decode(Buffer.alloc(0))).not.toHaveProperty('createdAt');
  });

  it('carries free JSON', () => {
    const timelines = protoCodec('sanmon.orders.v1.GetTimelineResponse');
    const detail = { a: null, b: [1, 'two', true, { c: [] }, [[]]], d: {}, e: -0.5, '': 'empty', 三: '門' };
    const timeline = { entries: [{ sequence: 1, type: 'order-placed', at: order.createdAt, detail }] };
    expect(timelines.decode(timelines.encode(timeline))).toStrictEqual(timeline);
    const hostile = JSON.parse('{"__proto__":{"polluted":1}}') as object;
    const back = timelines.decode(timelines.encode({ entries: [{ sequence: 1, type: 't', detail: hostile }] }));
    expect(JSON.stringify(back)).toContain('"detail":{"__proto__":{"polluted":1}}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each([
    ['an unknown enum name', { state: 'LOST' }, 'state is none of STATE_UNSPECIFIED, PLACED'],
    ['a number in place of a string', { lines: [order.lines[0], { sku: 7 }] }, 'lines[1].sku is no string'],
    ['a fraction', { total: 1.5 }, 'total is no integer'],
    ['an integer beyond 2^53', { total: 2 ** 53 }, 'total is no integer'],
    ['null', { note: null }, 'note is no string'],
    ['a time that is none', { createdAt: '2026-01-02' }, 'createdAt is no ISO 8601 time'],
    ['one line in place of many', { lines: {} }, 'lines is no array'],
  ])('throws for %s of ours, naming the field', (_what, wrong, message) => {
    expect(() => orders.encode({ ...order, ...wrong })).toThrow(`Order: ${message}`);
  });

  it('never writes bytes that are not UTF-8', () => {
    expect(orders.decode(orders.encode({ ...order, note: 'half \ud83d' }))).toMatchObject({ note: 'half \ufffd' });
  });

  it('leaves unknown enum numbers for validation, and takes UNSPECIFIED of an optional field as absent', () => {
    const listing = protoCodec('sanmon.orders.v1.ListOrdersRequest');
    expect(listing.decode(Buffer.from([2 << 3, 99]))).toStrictEqual({ state: 99 });
    expect(listing.decode(Buffer.from([2 << 3, 0]))).toStrictEqual({});
    expect(listing.decode(Buffer.from([2 << 3, 7]))).toStrictEqual({ state: 'CANCELLED' });
  });

  it('reads integers beyond 2^53 as numbers that validation refuses', () => {
    const quantity = (value: string): unknown =>
      (placing.decode(raw({ lines: [{ quantity: value }] })) as typeof order).lines[0]!.quantity;
    expect(quantity('-5')).toBe(-5);
    expect(quantity('9007199254740991')).toBe(2 ** 53 - 1);
    expect(quantity('9007199254740993')).toBeGreaterThan(10 ** 12);
    expect(quantity('9223372036854775807')).toBe(2 ** 63);
    expect(quantity('-9223372036854775808')).toBe(-(2 ** 63));
  });
});

describe('bytes that are no message', () => {
  const bytes = placing.encode({
    customerId: 'c',
    lines: [
      { sku: 'A', quantity: 1 },
      { sku: 'B', quantity: 300 },
    ],
  });

  it('are refused wherever they are cut off', () => {
    const whole = bytes.length;
    const decoded = Array.from({ length: whole }, (_, cut) => decodeInput(placing, bytes.subarray(0, cut)));
    // Whole fields only: nothing, the customer, the customer and one line.
    expect(decoded.filter((input) => !(input instanceof Undecodable))).toHaveLength(3);
  });

  it('are refused for invalid UTF-8, naming the field, and U+FFFD itself is not', () => {
    const wrong = Buffer.from(bytes);
    wrong[bytes.lastIndexOf('B')] = 0xff;
    expect(refusal(wrong)).toEqual(['lines[1].sku', 'is not valid UTF-8']);
    expect(placing.decode(placing.encode({ email: '\ufffd' }))).toMatchObject({ email: '\ufffd' });
  });

  it('are refused for another wire type, an endless number, a wild tag', () => {
    expect(refusal(Buffer.from([(1 << 3) | 0, 1]))).toEqual(['customerId', 'is of another type on the wire']);
    expect(refusal(Buffer.from([15 << 3, ...Array<number>(11).fill(0xff)]))[1]).toMatch('ten bytes');
    expect(refusal(Buffer.from([0, 1]))[1]).toMatch('field number 0');
    expect(refusal(Buffer.from([(15 << 3) | 6, 1]))[1]).toMatch('unknown wire type 6');
  });

  it('are refused for groups 20,000 deep, which we do not know at all', () => {
    const group = Buffer.from([0xa3, 0x06]); // field 100, start of group
    expect(refusal(Buffer.concat(Array<Buffer>(20_000).fill(group)))[1]).toBe('is nested deeper than 32');
    expect(placing.decode(Buffer.concat([group, Buffer.from([0xa4, 0x06])]))).toMatchObject({ email: '' });
    expect(refusal(Buffer.from([0xa4, 0x06]))[1]).toMatch('never began');
  });

  it('are refused for more items than anything of ours has', () => {
    expect(refusal(Buffer.concat(Array<Buffer>(10_001).fill(Buffer.from([0x22, 0]))))).toEqual([
      'lines[10000]',
      'has more than 10000 items',
    ]);
  });

  it('are refused for Structs and messages of ours that contain themselves too deeply', () => {
    const timelines = protoCodec('sanmon.orders.v1.GetTimelineResponse');
    const nest = (depth: number): object => (depth === 0 ? {} : { a: nest(depth - 1) });
    const timeline = (depth: number) =>
      timelines.encode({ entries: [{ sequence: 1, type: 't', detail: nest(depth) }] });
    expect(decodeInput(timelines, timeline(28))).not.toBeInstanceOf(Undecodable);
    expect(decodeInput(timelines, timeline(2_000))).toMatchObject({
      field: 'entries[0].detail',
      why: 'is nested deeper than 32',
    });
    const tree = codecOf(
      protobuf.parse('syntax = "proto3"; message Tree { Tree tree = 1; }').root.resolveAll().lookupType('Tree'),
    );
    const deep = (depth: number): object => (depth === 0 ? {} : { tree: deep(depth - 1) });
    expect(tree.decode(tree.encode(deep(31)))).toEqual(deep(31));
    expect(decodeInput(tree, tree.encode(deep(32)))).toBeInstanceOf(Undecodable);
  });
});
