import { Metadata, status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { lastValueFrom, type Observable } from 'rxjs';
import { Failure } from '../failure.js';
import { FailureFilter } from './failure.filter.js';

const filter = new FailureFilter();

function thrown(error: unknown, ...args: unknown[]): Promise<unknown> {
  const host = new ExecutionContextHost(args);
  host.setType('rpc');
  return lastValueFrom(filter.catch(error, host) as Observable<never>).catch((said: unknown) => said);
}

describe('the failure filter', () => {
  it('says gRPC failures as statuses, bugs by their id', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const refused = await thrown(new Failure('not-found', 'order-not-found', 'No.'), {}, new Metadata());
    expect(refused).toMatchObject({ code: status.NOT_FOUND, details: 'No.' });
    const bug = (await thrown(new Error('SELECT secret'), {}, new Metadata())) as { code: number; details: string };
    expect(bug.code).toBe(status.INTERNAL);
    expect(bug.details).not.toContain('SELECT');
  });

  it('leaves AMQP what was thrown', async () => {
    const error = new Error('x');
    expect(await thrown(error, {}, { getPattern: () => 'orders.place' })).toBe(error);
  });

  it('cuts an HTTP answer that has begun', () => {
    const response = { headersSent: true, destroy: jest.fn() };
    const host = new ExecutionContextHost([{}, response]);
    filter.catch(new Failure('conflict', 'x', ''), host);
    expect(response.destroy).toHaveBeenCalled();
  });
});
