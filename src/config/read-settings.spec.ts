import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadSettings, readSettings, unknownYet } from './read-settings.js';

const problemsOf = (environment: Record<string, string>): string[] => {
  try {
    readSettings(environment);
    return [];
  } catch (error) {
    return (error as BadSettings).problems;
  }
};

describe('the settings', () => {
  it('have the defaults of the contract when nothing is set, and empty is not set', () => {
    expect(readSettings({ PORT: '', RABBITMQ_URL: '' })).toMatchObject({
      PORT: 3000,
      GRPC_PORT: 50051,
      HOST: '0.0.0.0',
      RABBITMQ_URL: [],
      MODULES: ['orders', 'payments', 'inventory', 'notifications'],
      PAYMENT_DEADLINE_MS: 120_000,
      CANCEL_WINDOW_HOURS: 24,
      SHUTDOWN_TIMEOUT_MS: 15_000,
    });
  });

  it('are refused all at once, by name and expected form, never by value', () => {
    const problems = problemsOf({
      PORT: 'abc-secret',
      RABBITMQ_URL: 'http://user:secret@example.com',
      LOG_LEVEL: 'loud-secret',
      MODULES: 'orders',
    });
    expect(problems.map((p) => p.split(':')[0])).toEqual(['PORT', 'RABBITMQ_URL', 'LOG_LEVEL', 'MODULES', 'MODULES']);
    expect(problems.join()).not.toContain('secret@');
    expect(problems.join()).not.toContain('loud-secret');
    expect(problems.join()).not.toContain('abc-secret');
  });

  it('are read from files, each as X_FILE, and not given twice', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sanmon-settings-')), 'url');
    writeFileSync(file, 'postgres://a:b@db/sanmon\n');
    expect(readSettings({ DATABASE_URL_FILE: file }).DATABASE_URL).toBe('postgres://a:b@db/sanmon');
    expect(problemsOf({ DATABASE_URL_FILE: file, DATABASE_URL: 'postgres://x' })).toEqual([
      'DATABASE_URL: given twice, as DATABASE_URL and as DATABASE_URL_FILE',
    ]);
    expect(problemsOf({ DATABASE_URL_FILE: '/nowhere' })).toEqual(['DATABASE_URL_FILE: the file cannot be read']);
  });

  it('take several brokers, separated by commas', () => {
    expect(readSettings({ RABBITMQ_URL: 'amqp://a:5672, amqps://b' }).RABBITMQ_URL).toEqual([
      'amqp://a:5672',
      'amqps://b',
    ]);
  });

  it('refuse a memory that is shorter than what may still be released', () => {
    expect(problemsOf({ IDEMPOTENCY_RETENTION_DAYS: '7' })[0]).toMatch(
      /^IDEMPOTENCY_RETENTION_DAYS: expected at least/,
    );
  });

  it('name those of the contract that this version does not know yet', () => {
    expect(unknownYet({ JWT_JWKS_URL: 'https://example.com', PORT: '1' })).toEqual(['JWT_JWKS_URL']);
  });
});
