import { status, type Metadata } from '@grpc/grpc-js';
import { Failure, invalid, type FailureKind } from '../../failure.js';
import { googleRpc } from './google-rpc.js';
import { asReplayed, grpcStatus } from './status.js';

interface Rich {
  code: number;
  message: string;
  details: { typeUrl: string; value: Buffer }[];
}

const rich = (metadata: Metadata): Rich =>
  googleRpc('Status').decode(metadata.get('grpc-status-details-bin')[0] as Buffer) as unknown as Rich;

const detail = (
  failure: Failure,
  name: 'ErrorInfo' | 'BadRequest' | 'RetryInfo',
): Record<string, unknown> | undefined => {
  const found = rich(grpcStatus(failure).metadata).details.find(({ typeUrl }) => typeUrl.endsWith(name));
  return found && googleRpc(name).toObject(googleRpc(name).decode(found.value), { longs: Number });
};

const trailerBytes = (failure: Failure): number => {
  const { details, metadata } = grpcStatus(failure);
  const headers = Object.entries(metadata.toHttp2Headers());
  return (
    encodeURI(details).length + headers.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0)
  );
};

describe('a Failure as a gRPC status', () => {
  it.each<[FailureKind, status]>([
    ['invalid', status.INVALID_ARGUMENT],
    ['unauthenticated', status.UNAUTHENTICATED],
    ['forbidden', status.PERMISSION_DENIED],
    ['not-found', status.NOT_FOUND],
    ['conflict', status.FAILED_PRECONDITION],
    ['precondition', status.ABORTED],
    ['exhausted', status.RESOURCE_EXHAUSTED],
    ['unavailable', status.UNAVAILABLE],
    ['deadline', status.DEADLINE_EXCEEDED],
    ['cancelled', status.CANCELLED],
    ['elsewhere', status.UNIMPLEMENTED],
    ['internal', status.INTERNAL],
  ])('has for %s the code %d', (kind, code) => {
    const failure = new Failure(kind, 'some-code', 'Some sentence.');
    expect(grpcStatus(failure).code).toBe(code);
    expect(rich(grpcStatus(failure).metadata).code).toBe(code);
  });

  it('says why for machines', () => {
    const failure = new Failure('conflict', 'order-is-closed', 'The order is closed.', {
      state: 'REJECTED',
      n: 3,
      o: {},
    });
    expect(grpcStatus(failure).details).toBe('The order is closed.');
    expect(detail(failure, 'ErrorInfo')).toEqual({
      reason: 'ORDER_IS_CLOSED',
      domain: 'sanmon',
      metadata: { code: 'order-is-closed', state: 'REJECTED', n: '3' },
    });
  });

  it('names the fields that are wrong and when to ask again', () => {
    expect(detail(invalid([{ field: 'lines[0].sku', message: 'is missing' }]), 'BadRequest')).toEqual({
      fieldViolations: [{ field: 'lines[0].sku', description: 'is missing' }],
    });
    expect(detail(new Failure('exhausted', 'busy', 'Busy.', { retryAfter: 1.5 }), 'RetryInfo')).toEqual({
      retryDelay: { seconds: 1, nanos: 5e8 },
    });
    expect(detail(new Failure('unavailable', 'away', 'Away.'), 'RetryInfo')).toEqual({
      retryDelay: { seconds: 1, nanos: 0 },
    });
    expect(detail(new Failure('conflict', 'c', 'No.'), 'RetryInfo')).toBeUndefined();
  });

  it('tells of our own bugs nothing but the id', () => {
    const failure = new Failure('internal', 'internal', 'SELECT * FROM orders', {
      id: 'err_1',
      sql: 'SELECT',
      retryAfter: 3,
    });
    const { details, metadata } = grpcStatus(failure);
    expect(details).toBe('Something went wrong here (err_1).');
    expect(
      JSON.stringify(rich(metadata)) + Buffer.from(metadata.get('grpc-status-details-bin')[0] as Buffer).toString(),
    ).not.toContain('SELECT');
    expect(detail(failure, 'ErrorInfo')).toMatchObject({ metadata: { code: 'internal', id: 'err_1' } });
  });

  it('stays below 8 KB of trailers, and says how many violations it left out', () => {
    const fields = Array.from({ length: 500 }, (_, i) => ({ field: `lines[${i}].sku`, message: '門'.repeat(500) }));
    const failure = invalid(fields);
    Object.assign(
      failure.details,
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`fact${i}`, '門'.repeat(1000)])),
    );
    expect(trailerBytes(failure)).toBeLessThan(8_000);
    const violations = detail(invalid(fields), 'BadRequest')!['fieldViolations'] as { description: string }[];
    expect(violations.at(-1)!.description).toBe(`and ${501 - violations.length} more`);
  });

  it('is never more than a header can carry', () => {
    expect(() =>
      encodeURI(grpcStatus(new Failure('invalid', 'x', `\ud800 ${'🚪'.repeat(900)}`)).details),
    ).not.toThrow();
  });

  it('marks what is given again, and only the copy', () => {
    const failure = new Failure('conflict', 'order-is-closed', 'The order is closed.', { state: 'REJECTED' });
    expect(grpcStatus(asReplayed(failure)).metadata.get('idempotent-replayed')).toEqual(['true']);
    expect(grpcStatus(failure).metadata.get('idempotent-replayed')).toEqual([]);
  });
});
