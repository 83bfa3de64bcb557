import { Logger } from '@nestjs/common';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { hashOf, parseApiKeys } from './api-key-list.js';
import { ApiKeys } from './api-keys.js';

describe('the list of API keys', () => {
  it('is split at the first two colons, so that scopes keep theirs', () => {
    const { keys, problems } = parseApiKeys(' shop:s3cret:orders:read+orders:write ;\nops:0ther:ops;');
    expect(problems).toEqual([]);
    expect(keys.get(hashOf('s3cret'))).toEqual({ name: 'key:shop', scopes: new Set(['orders:read', 'orders:write']) });
    expect(keys.get(hashOf('0ther'))).toEqual({ name: 'key:ops', scopes: new Set(['ops']) });
  });

  it('keeps no secret', () => {
    expect(inspect(parseApiKeys('shop:s3cret:ops').keys, { depth: 9 })).not.toContain('s3cret');
  });

  it('allows two secrets under one name, so that a key can be changed without a gap', () => {
    expect(parseApiKeys('shop:old:ops;shop:new:ops')).toMatchObject({ problems: [] });
  });

  it.each([
    ['s3cret', 'entry 1'],
    ['shop:s3cret', 'entry 1'],
    ['shop:s3cret:', 'shop'],
    ['shop::ops', 'shop'],
    ['shop:ops:s3cret', 'shop'],
    ['sh op:s3cret:ops', 'entry 1'],
    ['shop:s3 cret:ops', 'shop'],
    ['shop:s3cret:orders:destroy', 'shop'],
    [':s3cret:ops', 'entry 1'],
  ])('reports %j as %s and never shows a secret', (entry, named) => {
    const { keys, problems } = parseApiKeys(`${entry};good:other:ops`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${named}: `));
    expect(problems[0]).not.toMatch(/s3 ?cret/);
    expect([...keys.values()].map(({ name }) => name)).toEqual(['key:good']);
  });

  it('reports one secret under two names', () => {
    expect(parseApiKeys('a:s3cret:ops;b:s3cret:ops').problems).toEqual(['b: its secret is that of a']);
  });
});

describe('API keys out of a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'keys-'));
  const file = join(dir, 'keys');
  afterAll(() => rmSync(dir, { recursive: true }));

  it('are read again: a key that was taken out is refused, one that was put in is known', async () => {
    writeFileSync(file, 'shop:first:ops\n');
    const keys = new ApiKeys({ file });
    expect(keys.find('first')?.name).toBe('key:shop');
    writeFileSync(file, 'shop:second:ops\n');
    await keys.reread();
    expect(keys.find('first')).toBeUndefined();
    expect(keys.find('second')?.name).toBe('key:shop');
    keys.onModuleDestroy();
  });

  it('stay as they were while the file is away', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    writeFileSync(file, 'shop:first:ops');
    const keys = new ApiKeys({ file });
    rmSync(file);
    await keys.reread();
    expect(keys.find('first')?.name).toBe('key:shop');
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('ENOENT'));
    keys.onModuleDestroy();
    warned.mockRestore();
  });

  it('are looked at every five seconds by themselves', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    writeFileSync(file, 'shop:first:ops');
    const keys = new ApiKeys({ file });
    const reread = jest.spyOn(keys, 'reread');
    jest.advanceTimersByTime(10_000);
    expect(reread).toHaveBeenCalledTimes(2);
    keys.onModuleDestroy();
    jest.advanceTimersByTime(10_000);
    expect(reread).toHaveBeenCalledTimes(2);
    jest.useRealTimers();
    await Promise.all(reread.mock.results.map(({ value }) => value as Promise<void>));
  });
});
