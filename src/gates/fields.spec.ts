import { isEmail } from './email.js';
import { fromText, ruleOf } from './field.js';
import { Currency, Email, Flag, Id, PageSize, Sku, Text, UnitPrice } from './fields.js';
import { validated } from './validate.js';

class All {
  @Currency() currency = 'EUR';
  @Email() email = 'a@example.com';
  @Flag() flag = true;
  @Id() id = 'auth0|5f7c@x';
  @PageSize() pageSize = 50;
  @Sku() sku = 'A.b_c-1';
  @Text(10) text = 'text';
  @UnitPrice() unitPrice = 0;
}

const takes = (field: keyof All, value: unknown): boolean => {
  try {
    validated(All, { ...new All(), [field]: value });
    return true;
  } catch {
    return false;
  }
};

describe('the fields of input classes', () => {
  it.each<[keyof All, unknown]>([
    ['currency', 'JPY'],
    ['unitPrice', 1e10],
    ['pageSize', 200],
    ['text', '0123456789'],
    ['text', '日本'],
    ['sku', 'x'.repeat(64)],
  ])('take %s = %p', (field, value) => expect(takes(field, value)).toBe(true));

  it.each<[keyof All, unknown]>([
    ['currency', 'eur'],
    ['currency', 'EURO'],
    ['currency', 'QQQ'],
    ['unitPrice', -1],
    ['unitPrice', 1e10 + 1],
    ['pageSize', 0],
    ['pageSize', 201],
    ['text', '01234567890'],
    ['text', '  '],
    ['text', 'a\nb'],
    ['text', 'a\u0085b'],
    ['id', 'a b'],
    ['id', ''],
  ])('refuse %s = %p', (field, value) => expect(takes(field, value)).toBe(false));
});

describe('an e-mail address', () => {
  it.each([
    'a@example.com',
    "o'neil+tag@mail.example.co.jp",
    'x@xn--bcher-kva.example',
    `${'l'.repeat(64)}@example.com`,
  ])('is %s', (address) => expect(isEmail(address)).toBe(true));

  it.each([
    'a',
    '@example.com',
    'a@',
    'a@localhost',
    'a@b@example.com',
    'a@example.com,b@example.com',
    'A <a@example.com>',
    'a@example.com\r\nBcc: b@example.com',
    'a@example.com\n',
    '"a b"@example.com',
    'a@[127.0.0.1]',
    'a@127.0.0.1',
    '.a@example.com',
    'a..b@example.com',
    'a@-example.com',
    'ä@example.com',
    'a@exämple.com',
    `${'l'.repeat(65)}@example.com`,
    `a@${'example.'.repeat(40)}com`,
    `${'a.'.repeat(60_000)}@example.com`,
  ])('is not %j', (address) => expect(isEmail(address)).toBe(false));
});

describe('a value out of a query string', () => {
  it('becomes what its field declares, or stays a text', () => {
    expect(fromText(All, 'pageSize', '20')).toBe(20);
    expect(fromText(All, 'flag', 'true')).toBe(true);
    expect(fromText(All, 'sku', '20')).toBe('20');
    for (const text of ['', ' 1', '1.5', '1e3', '0x10', '9'.repeat(17), 'NaN']) {
      expect(fromText(All, 'pageSize', text)).toBe(text);
    }
    expect(fromText(All, 'unknown', '1')).toBe('1');
  });

  it('finds the fields of parent classes', () => {
    class Child extends All {}
    expect(ruleOf(Child, 'pageSize')?.schema).toEqual({ type: 'integer', minimum: 1, maximum: 200 });
  });
});
