import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadSettings, readSettings } from './read-settings.js';

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

  it('leave time to close after the delay', () => {
    expect(problemsOf({ DRAIN_DELAY_MS: '5000', SHUTDOWN_TIMEOUT_MS: '5001' })).toEqual([]);
    expect(problemsOf({ DRAIN_DELAY_MS: '15000' })[0]).toMatch(/^DRAIN_DELAY_MS: expected less than/);
  });

  it('want to know where prices are asked when orders is here and inventory is not', () => {
    const split = { MODULES: 'orders,notifications', RABBITMQ_URL: 'amqp://mq', MESSAGE_SECRET: 'sixteen characters' };
    expect(problemsOf(split)).toEqual(['MODULES: orders without inventory needs INVENTORY_GRPC_URL to ask for prices']);
    expect(problemsOf({ ...split, MODULES: 'payments,inventory' })).toEqual([]);
    for (const url of ['dns:///inventory:50051', 'ipv4:10.0.0.1:50051,10.0.0.2:50051', 'ipv6:[::1]:50051'])
      expect(problemsOf({ ...split, INVENTORY_GRPC_URL: url })).toEqual([]);
    for (const url of ['inventory:50051', 'http://inventory:50051', 'dns:///inventory', 'ipv4:', 'dns:///a:1,b:2'])
      expect(problemsOf({ ...split, INVENTORY_GRPC_URL: url })[0]).toMatch(/^INVENTORY_GRPC_URL: expected dns:/);
  });

  it('take for the share of traces that are kept a number from 0 to 1', () => {
    expect(readSettings({ OTEL_TRACES_SAMPLER_ARG: '0.25' }).OTEL_TRACES_SAMPLER_ARG).toBe(0.25);
    for (const share of ['1.5', '-1', 'half', '25%'])
      expect(problemsOf({ OTEL_TRACES_SAMPLER_ARG: share })[0]).toMatch(/^OTEL_TRACES_SAMPLER_ARG: expected a number/);
  });

  it('take the three of tokens together or not at all', () => {
    const [url, issuer, audience] = ['https://id.example/jwks', 'https://id.example', 'shop'];
    expect(problemsOf({ JWT_JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience })).toEqual([]);
    expect(problemsOf({ JWT_JWKS_URL: url, JWT_ISSUER: issuer })[0]).toMatch(/^JWT_JWKS_URL: expected together/);
    expect(problemsOf({ JWT_AUDIENCE: audience })[0]).toMatch(/^JWT_JWKS_URL: expected together/);
  });
});
