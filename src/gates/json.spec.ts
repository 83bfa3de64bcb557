import { Undecodable } from './admit.js';
import { parsedJson } from './json.js';

const MiB = 1024 * 1024;

const of = (text: string | Buffer) => parsedJson(Buffer.from(text as string));

describe('a JSON body', () => {
  it.each(['', '{', '{"a":1}}', '\ufeff{}', "{'a':1}", '{"a":01}', '{"a":NaN}', '[1,]', '"\n"'])('is not %j', (text) =>
    expect(of(text)).toEqual(new Undecodable('is not JSON')),
  );

  it('is UTF-8 and nothing else', () => {
    expect(of('{"a":"日本"}')).toEqual({ a: '日本' });
    expect(of(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toEqual(new Undecodable('is not UTF-8'));
    expect(of(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toEqual(new Undecodable('is not UTF-8'));
    expect(of(Buffer.from('{"a":1}', 'utf16le'))).toBeInstanceOf(Undecodable);
  });

  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":{"b":1},"c":[{"d":1,"d":1}]}', 'd'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"\\"":1 , "\\"" \n:2}', '"'],
    ['{"":1,"":2}', ''],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('names no field twice: %s', (text, name) => {
    expect(of(text)).toEqual(new Undecodable('was given more than once', name));
  });

  it.each([
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    '{"a":"a\\":","b":"\\\\","c":"{\\"a\\":1,\\"a\\":2}"}',
    '[]',
    '"a:a"',
    '{}',
  ])('may say the same at different places: %s', (text) => expect(of(text)).toEqual(JSON.parse(text)));

  it('is at most 32 levels deep', () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(of(deep(32))).not.toBeInstanceOf(Undecodable);
    expect(of(deep(33))).toEqual(new Undecodable('is nested deeper than 32 levels'));
    expect(of(`["${'['.repeat(100)}"]`)).not.toBeInstanceOf(Undecodable);
    expect(of(`[${deep(31)},${deep(31)}]`)).not.toBeInstanceOf(Undecodable);
  });

  it.each([
    ['deep lists', '['.repeat(MiB / 2) + ']'.repeat(MiB / 2)],
    ['deep objects', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
    ['backslashes', `"${'\\\\'.repeat(MiB / 2 - 2)}"`],
    ['quotes', `"${'\\"'.repeat(MiB / 2 - 2)}"`],
    ['an open string', `"${'\\"'.repeat(MiB / 2 - 2)}`],
    ['names', `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join()}}`],
    ['objects', `[${Array.from({ length: 90_000 }, () => '{"a":1},{}').join()}]`],
    ['spaces', `{"a"${' '.repeat(MiB)}:1}`],
  ])('is read to its end: 1 MiB of %s', (_, text) => {
    expect(['object', 'string', 'undefined']).toContain(typeof of(text));
  });
});
