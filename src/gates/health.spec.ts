import { Logger } from '@nestjs/common';
import { Health, type Condition } from './health.js';

const healthOf = (checks: Record<string, () => Condition | Promise<Condition>>): Health => {
  const health = new Health();
  for (const [name, check] of Object.entries(checks)) health.register(name, check);
  return health;
};

describe('health', () => {
  it('is that of the worst check', async () => {
    expect(await healthOf({}).report()).toEqual({ status: 'ok', checks: {} });
    expect((await healthOf({ a: () => 'ok', b: () => 'degraded' }).report()).status).toBe('degraded');
    expect(await healthOf({ a: () => 'degraded', b: () => Promise.resolve('down' as const) }).report()).toEqual({
      status: 'down',
      checks: { a: 'degraded', b: 'down' },
    });
  });

  it('is down when a check throws or says nothing', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const health = healthOf({
      throws: () => Promise.reject(new Error('x')),
      hangs: () => new Promise(() => undefined),
    });
    expect(await health.report()).toEqual({ status: 'down', checks: { throws: 'down', hangs: 'down' } });
    warned.mockRestore();
  });

  it('is down until everything is open', async () => {
    const health = healthOf({ a: () => 'ok' });
    health.starting = true;
    expect(await health.report()).toEqual({ status: 'down', checks: { a: 'ok', starting: 'down' } });
    health.starting = false;
    expect((await health.report()).status).toBe('ok');
  });

  it('is down while draining', async () => {
    const health = healthOf({ a: () => 'ok' });
    health.drain();
    expect((await health.report()).status).toBe('down');
  });
});
