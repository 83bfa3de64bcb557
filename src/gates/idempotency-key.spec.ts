import { idempotencyKey } from './idempotency-key.js';

describe('an idempotency key', () => {
  it.each([
    [undefined, undefined],
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('%j is %j', (raw, key) => expect(idempotencyKey(raw)).toBe(key));

  it.each([
    '',
    '""',
    '"',
    '"abc',
    '"a"b"',
    '"a\\n"',
    '"a";p=1',
    'ä',
    'a\tb',
    'a\0',
    'k'.repeat(256),
    `"${'k'.repeat(256)}"`,
  ])('%j is refused', (raw) =>
    expect(() => idempotencyKey(raw)).toThrow(
      expect.objectContaining({ kind: 'invalid', code: 'invalid-idempotency-key' }),
    ),
  );
});
