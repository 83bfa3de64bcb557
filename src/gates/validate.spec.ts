import { Failure } from '../failure.js';
import { Currency, Email, Flag, Id, ListOf, OneOf, Optional, PageSize, Quantity, Sku, Text } from './fields.js';
import { validated } from './validate.js';

class Line {
  @Sku() sku!: string;
  @Quantity() quantity!: number;
}

class Place {
  @Id() customerId!: string;
  @Email() email!: string;
  @Currency() currency!: string;
  @ListOf(() => Line, 100, 'sku') lines!: Line[];
  @OneOf(['en', 'ja']) @Optional() locale?: string;
  @Text(200, { lines: true }) @Optional() note?: string;
  @PageSize() @Optional() pageSize?: number;
  @Flag() @Optional() mine?: boolean;
}

class Nothing {}

const good = () => ({
  customerId: 'c_1',
  email: 'a@example.com',
  currency: 'EUR',
  lines: [{ sku: 'A-1', quantity: 1 }],
});

function refused(change: object, type: new () => object = Place): string[] {
  try {
    validated(type, { ...good(), ...change });
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).kind).toBe('invalid');
    return (error as Failure).details.fields!.map(({ field, message }) => `${field}: ${message}`);
  }
  return [];
}

const line = (change: object) => ({ lines: [{ sku: 'A-1', quantity: 1, ...change }] });
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

describe('a valid input', () => {
  it('becomes an instance, its nested objects too', () => {
    const place = validated(Place, { ...good(), locale: 'ja', note: 'two\nlines, שלום' });
    expect(place).toBeInstanceOf(Place);
    expect(place.lines[0]).toBeInstanceOf(Line);
    expect(place).toEqual({ ...good(), locale: 'ja', note: 'two\nlines, שלום' });
  });

  it('may be empty where nothing is declared', () => {
    expect(validated(Nothing, {})).toBeInstanceOf(Nothing);
    expect(() => validated(Nothing, { a: 1 })).toThrow('a: is not a field of this operation');
  });
});

describe('an invalid input', () => {
  it.each([-1, 0, 10_001, 1e9, 1.5, '1', true, 2 ** 53, Number('9007199254740993'), [], {}, Infinity, NaN])(
    'is refused for the quantity %p',
    (quantity) => expect(refused(line({ quantity }))).toEqual([expect.stringMatching(/^lines\[0\]\.quantity: /)]),
  );

  it.each(['', 'a b', 'ö', 'a\0b', 'a\u202Eb', '\ud800', 'x'.repeat(65), 1, null])('is refused for the sku %p', (sku) =>
    expect(refused(line({ sku }))).toEqual([expect.stringMatching(/^lines\[0\]\.sku: /)]),
  );

  it.each([[[]], [{}], ['x'], [[[{ sku: 'A-1', quantity: 1 }]]], [[1]], [{ sku: 'A-1', quantity: 1 }], [null]])(
    'is refused for the lines %j',
    (lines) => expect(refused({ lines })).toEqual([expect.stringMatching(/^lines(\[0\])?: /)]),
  );

  it('may not order one SKU in two lines', () => {
    const twice = [1, 2].map((quantity) => ({ sku: 'A-1', quantity }));
    expect(refused({ lines: twice })).toEqual(['lines: must be a list of 1 to 100 objects, each sku once']);
  });

  it('is refused with every wrong field, declared ones first and in their order', () => {
    const wrong = { zzz: 1, aaa: 1, currency: 'eur', customerId: undefined, ...line({ quantity: 0, more: 1 }) };
    expect(refused(wrong)).toEqual([
      'customerId: is required',
      'currency: must be an ISO 4217 currency code such as EUR',
      'lines[0].quantity: must be a whole number from 1 to 10000',
      'aaa: is not a field of this operation',
      'lines[0].more: is not a field of this operation',
      'zzz: is not a field of this operation',
    ]);
  });

  it('is refused in few words, however much is wrong', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${i}`.padEnd(1_000, 'x'), 1]));
    expect(refused(many)).toHaveLength(20);
    expect(refused(many).join('').length).toBeLessThan(5_000);
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])(
    'is refused for a field called %s, at any depth',
    (name) => {
      const evil = JSON.parse(`{"${name}": {"polluted": true}}`) as object;
      const flat = Object.assign(JSON.parse(`{"${name}": 1}`) as object, good());
      expect(() => validated(Place, flat)).toThrow(`${name}: is a reserved name`);
      expect(refused({ note: evil })).toEqual([`note.${name}: is a reserved name`]);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  it('is refused for null, NUL, lone surrogates and depth, whether the field is known or not', () => {
    expect(refused({ note: null })).toEqual(['note: must not be null; leave it out instead']);
    expect(refused({ note: 'a\0' })).toEqual(['note: must not contain U+0000']);
    expect(refused({ other: ['\ud800'] })).toEqual(['other[0]: must not contain unpaired surrogates']);
    expect(refused({ other: { '\udc00': 1 } })[0]).toContain('unpaired surrogates');
    expect(refused({ other: deep(31) })).toEqual(['other: is not a field of this operation']);
    expect(refused({ other: deep(32) })[0]).toContain('deeper than 32');
    expect(refused({ other: deep(5_000) })[0]).toContain('deeper than 32');
  });

  it.each([[[]], ['x'], [null], [undefined], [1]])('is refused when it is %p and no object', (input) =>
    expect(() => validated(Place, input)).toThrow('body: must be an object'),
  );

  it('is not converted: yes is no boolean and "5" is no page size', () => {
    expect(refused({ mine: 'true', pageSize: '5' })).toEqual([
      'pageSize: must be a whole number from 1 to 200',
      'mine: must be true or false',
    ]);
  });
});
