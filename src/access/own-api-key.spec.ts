import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashOf } from './api-key-list.js';
import { ApiKeys } from './api-keys.js';
import { generateApiKey, ownApiKey } from './own-api-key.js';

describe('the key of an installation without API_KEYS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'own-key-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is made once and then only known by its hash', async () => {
    const data = join(dir, 'not', 'there', 'yet');
    const first = await ownApiKey(data);
    expect(first.printedOnce).toMatch(/^sk_[A-Za-z0-9_-]{43}$/);
    expect(await ownApiKey(data)).toEqual({ hash: first.hash });
    expect(first.hash).toBe(hashOf(first.printedOnce!));
    const file = join(data, 'api-key.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(first.printedOnce!);
    expect(readdirSync(data)).toEqual(['api-key.json']);
  });

  it('opens everything, under a name that never changes', async () => {
    const { hash, printedOnce } = await ownApiKey(join(dir, 'a'));
    const principal = new ApiKeys({ own: hash }).find(printedOnce!);
    expect(principal?.name).toBe('key:default');
    expect(principal?.scopes.has('ops')).toBe(true);
  });

  it('is one and the same for processes that start at once, and only one of them prints it', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => ownApiKey(join(dir, 'race'))));
    expect(new Set(made.map(({ hash }) => hash)).size).toBe(1);
    expect(made.filter(({ printedOnce }) => printedOnce)).toHaveLength(1);
  });

  it('is not silently replaced when its file is damaged', async () => {
    const data = mkdtempSync(join(dir, 'damaged-'));
    writeFileSync(join(data, 'api-key.json'), '{"hash":');
    await expect(ownApiKey(data)).rejects.toThrow('api-key.json');
  });

  it('is different every time', () => expect(generateApiKey()).not.toBe(generateApiKey()));
});
