import { Metadata } from '@grpc/grpc-js';
import { Undecodable } from '../admit.js';
import { grpcCall } from './call.js';

const called = (...entries: [string, string][]) => {
  const metadata = new Metadata();
  for (const [name, value] of entries) metadata.add(name, value);
  return grpcCall({ id: 'ord_1' }, metadata);
};

describe('a gRPC call', () => {
  it('carries its message, its credential and its key', () => {
    expect(called(['authorization', 'Bearer a'], ['idempotency-key', 'k-1'], ['x-request-id', 'r-1'])).toEqual({
      authorization: 'Bearer a',
      key: 'k-1',
      via: { gate: 'grpc', requestId: 'r-1' },
      input: { id: 'ord_1' },
    });
    expect(called()).toEqual({
      authorization: undefined,
      key: undefined,
      via: { gate: 'grpc' },
      input: { id: 'ord_1' },
    });
  });

  it('takes the same key twice as one', () => {
    expect(called(['idempotency-key', 'k'], ['idempotency-key', 'k']).key).toBe('k');
    expect(called(['idempotency-key', 'k, k']).key).toBe('k');
  });

  it.each([
    ['apart', ['a', 'b']],
    ['joined by Node', ['a, b']],
    ['quoted and joined', ['"a", "b"']],
  ])('refuses two different keys, %s', (_how, values) => {
    const { input, key } = called(...values.map((value) => ['idempotency-key', value] as [string, string]));
    expect(input).toEqual(new Undecodable('was given more than once', 'idempotency-key'));
    expect(key).toBeUndefined();
  });

  it('lets a quoted key contain commas and quotes', () => {
    expect(called(['idempotency-key', '"a, b"']).key).toBe('"a, b"');
    expect(called(['idempotency-key', '"a\\", \\"b"']).key).toBe('"a\\", \\"b"');
  });

  it('takes two different credentials for none', () => {
    expect(called(['authorization', 'Bearer a'], ['authorization', 'Bearer b']).authorization).toBeUndefined();
  });
});
