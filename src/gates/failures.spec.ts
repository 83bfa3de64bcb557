import { BadGatewayException, Logger, NotFoundException } from '@nestjs/common';
import { Failure } from '../failure.js';
import { asFailure } from './failures.js';

const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
beforeEach(() => logged.mockClear());

describe('an error as a failure', () => {
  it('is itself when it is one', () => {
    const failure = new Failure('conflict', 'too-late', 'Too late.');
    expect(asFailure(failure)).toBe(failure);
    expect(logged).not.toHaveBeenCalled();
  });

  it('is an id when nobody foresaw it, and the log has the rest, once', () => {
    const error = new Error('relation "secrets" does not exist');
    const [first, again] = [asFailure(error), asFailure(error)];
    expect(first.kind).toBe('internal');
    expect(first.message).not.toContain('secrets');
    expect(again).toBe(first);
    expect(asFailure(first)).toBe(first);
    expect(logged).toHaveBeenCalledTimes(1);
    expect(logged.mock.calls[0]![0]).toContain(first.details['id']);
    expect(logged.mock.calls[0]![0]).toContain('relation "secrets"');
  });

  it.each(['text', undefined, null, 1, Symbol('x')])('survives that %p was thrown', (thrown) =>
    expect(asFailure(thrown)).toMatchObject({ kind: 'internal', details: { id: expect.any(String) } }),
  );

  it('does not let a module tell what went wrong inside', () => {
    expect(asFailure(new Failure('internal', 'broken', 'SELECT secret')).message).not.toContain('SELECT');
  });

  it('is unavailable when the database is away', () => {
    for (const code of ['57P01', '08006', 'ECONNREFUSED']) {
      expect(asFailure(Object.assign(new Error('x'), { code }))).toMatchObject({ kind: 'unavailable' });
    }
    expect(asFailure(Object.assign(new Error('x'), { code: '23505' })).kind).toBe('internal');
  });

  it('says in our words what the framework refused', () => {
    expect(asFailure(new NotFoundException('Cannot GET /<x>'))).toMatchObject({
      kind: 'not-found',
      code: 'unknown-route',
    });
    expect(asFailure(new BadGatewayException()).kind).toBe('internal');
  });
});
