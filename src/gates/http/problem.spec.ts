import { Failure, invalid, type FailureKind } from '../../failure.js';
import { problem } from './problem.js';

describe('a failure over HTTP', () => {
  it.each<[FailureKind, string, number]>([
    ['invalid', 'invalid', 400],
    ['invalid', 'idempotency-key-reused', 422],
    ['invalid', 'body-too-large', 413],
    ['invalid', 'unsupported-media-type', 415],
    ['unauthenticated', 'unauthenticated', 401],
    ['forbidden', 'missing-scope', 403],
    ['not-found', 'order-not-found', 404],
    ['conflict', 'already-cancelled', 409],
    ['precondition', 'version-mismatch', 412],
    ['precondition', 'idempotency-key-in-use', 409],
    ['exhausted', 'too-many-requests', 429],
    ['unavailable', 'database-unavailable', 503],
    ['deadline', 'deadline', 504],
    ['cancelled', 'cancelled', 499],
    ['elsewhere', 'elsewhere', 421],
    ['internal', 'internal', 500],
  ])('%s (%s) is %i', (kind, code, status) => {
    const said = problem(new Failure(kind, code, 'Because.'));
    expect(said.status).toBe(status);
    expect(said.body).toMatchObject({ type: `/docs/errors#${code}`, status, code });
  });

  it('names the fields, when to come back, and what else is known', () => {
    expect(problem(invalid([{ field: 'lines[0].sku', message: 'is required' }])).body).toEqual({
      type: '/docs/errors#invalid',
      title: 'Invalid',
      status: 400,
      code: 'invalid',
      detail: 'lines[0].sku: is required',
      errors: [{ field: 'lines[0].sku', message: 'is required', pointer: '#/lines/0/sku' }],
    });
    const busy = problem(new Failure('precondition', 'idempotency-key-in-use', 'Still running.', { retryAfter: 0.4 }));
    expect(busy).toMatchObject({
      headers: { 'Retry-After': '1' },
      body: { title: 'Idempotency key in use', retryAfter: 1 },
    });
    expect(problem(new Failure('exhausted', 'x', '')).headers).toEqual({ 'Retry-After': '1' });
    expect(problem(new Failure('conflict', 'x', '', { state: 'CLOSING' })).body.details).toEqual({ state: 'CLOSING' });
    expect(problem(new Failure('unauthenticated', 'x', '')).headers).toEqual({ 'WWW-Authenticate': 'Bearer' });
  });

  it('tells nothing of our own bugs but the id', () => {
    const bug = new Failure('internal', 'internal', 'SELECT secret', { id: 'abc', query: 'SELECT', fields: [] });
    expect(JSON.stringify(problem(bug))).not.toContain('SELECT');
    expect(problem(bug).body).toMatchObject({
      detail: expect.stringContaining('abc'),
      instance: 'urn:sanmon:incident:abc',
    });
  });
});
