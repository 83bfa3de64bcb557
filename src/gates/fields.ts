import { Type } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import { isEmail, MAX_EMAIL } from './email.js';
import { field, type FieldRule } from './field.js';

export { Optional } from './field.js';

// The limits of docs/contract.md ("Limits"), each in one place; every gate and every module's input class uses these.

const MAX_MONEY = 10 ** 12;
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

const matching = (pattern: RegExp, says: string): PropertyDecorator =>
  field({
    says,
    schema: { type: 'string', pattern: pattern.source },
    holds: (value) => typeof value === 'string' && pattern.test(value),
  });

/** A whole number in a closed range; `1.5`, `"1"`, `true` and what JSON could not carry exactly are refused. */
export const Whole = (minimum: number, maximum: number): PropertyDecorator =>
  field({
    says: `must be a whole number from ${minimum} to ${maximum}`,
    schema: { type: 'integer', minimum, maximum },
    holds: (value) => Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
  });

/** How many of one SKU are ordered. */
export const Quantity = (): PropertyDecorator => Whole(1, 10_000);

/** How many of one SKU came in. */
export const ReceiptQuantity = (): PropertyDecorator => Whole(1, 10 ** 9);

/** The price of one piece, in minor units. */
export const UnitPrice = (): PropertyDecorator => Whole(0, 10 ** 10);

/** A sum of money that is moved, in minor units. */
export const Amount = (): PropertyDecorator => Whole(1, MAX_MONEY);

/** How many entries a page holds at most. */
export const PageSize = (): PropertyDecorator => Whole(1, 200);

/** An id, ours (`ord_…`) or the caller's (a customer's id may be the `sub` of a token, e.g. `auth0|5f7c`). */
export const Id = (): PropertyDecorator =>
  matching(/^[!-~]{1,128}$/, 'must be 1 to 128 printable ASCII characters without spaces');

/** A stock keeping unit. It stands in paths, so nothing in it needs escaping. */
export const Sku = (): PropertyDecorator => matching(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ -');

/** What an earlier page gave as `nextPageToken`; empty = the first page. Whether it is one of ours is judged by `decodePage`. */
export const PageToken = (): PropertyDecorator =>
  matching(/^[!-~]{0,2048}$/, 'must be a token that an earlier page gave');

/** What an update brought as `cursor`; empty = none. One that is unknown or too old is answered with a new beginning. */
export const Cursor = (): PropertyDecorator => matching(/^[!-~]{0,256}$/, 'must be a cursor that an update brought');

/** An ISO 4217 code in upper case, as far as the ICU of this Node knows it. */
export const Currency = (): PropertyDecorator =>
  field({
    says: 'must be an ISO 4217 currency code such as EUR',
    schema: { type: 'string', pattern: '^[A-Z]{3}$' },
    holds: (value) => typeof value === 'string' && CURRENCIES.has(value),
  });

/** One e-mail address: no display name, no list, no line break, so it may stand in a header of a mail. */
export const Email = (): PropertyDecorator =>
  field({
    says: 'must be one e-mail address such as name@example.com',
    schema: { type: 'string', format: 'email', maxLength: MAX_EMAIL },
    holds: isEmail,
  });

const CONTROLS = /\p{Cc}/u;
const CONTROLS_BUT_LINES = /[^\P{Cc}\t\r\n]/u;

/** Text for people, not blank; of one line unless `lines` is set. `maximum` counts UTF-16 code units. */
export function Text(maximum: number, { lines = false } = {}): PropertyDecorator {
  const forbidden = lines ? CONTROLS_BUT_LINES : CONTROLS;
  return field({
    says: `must be ${lines ? '' : 'one line of '}text of 1 to ${maximum} characters, not blank, without control characters`,
    schema: { type: 'string', minLength: 1, maxLength: maximum },
    holds: (value) =>
      typeof value === 'string' && value.length <= maximum && value.trim() !== '' && !forbidden.test(value),
  });
}

/** A moment as this house writes it: ISO 8601 in UTC with milliseconds. */
export const Instant = (): PropertyDecorator =>
  field({
    says: 'must be a time such as 2026-01-31T12:00:00.000Z',
    schema: { type: 'string', format: 'date-time' },
    holds: (value) =>
      typeof value === 'string' &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) &&
      !Number.isNaN(Date.parse(value)),
  });

/** One of a fixed set of words. */
export const OneOf = (words: readonly string[]): PropertyDecorator =>
  field({
    says: `must be one of ${words.join(', ')}`,
    schema: { type: 'string', enum: [...words] },
    holds: (value) => words.includes(value as string),
  });

/** Yes or no; in a query string `true` or `false`. */
export const Flag = (): PropertyDecorator =>
  field({ says: 'must be true or false', schema: { type: 'boolean' }, holds: (value) => typeof value === 'boolean' });

/** A JSON object that is judged later, by those who know what it is. */
export const AnyObject = (): PropertyDecorator => field(anObject());

/** An object of another input class. */
export const Nested = (type: () => new () => object): PropertyDecorator =>
  all(field({ ...anObject(), of: type }), ValidateNested(), Type(type));

/** A list of texts, e.g. ids to track. */
export const TextList = (maximum: number, pattern = /^[!-~]{1,128}$/): PropertyDecorator =>
  field({
    says: `must be a list of at most ${maximum} texts like ${pattern.source}`,
    schema: { type: 'array', maxItems: maximum, items: { type: 'string', pattern: pattern.source } },
    holds: (value) =>
      Array.isArray(value) && value.length <= maximum && value.every((v) => typeof v === 'string' && pattern.test(v)),
  });

/**
 * A list of objects of another input class, `key` being unique among them. The objects are looked at here because
 * class-validator lets `[[…]]` pass where a list of objects is meant.
 */
export function ListOf(type: () => new () => object, maximum: number, key?: string): PropertyDecorator {
  const unique = key ? `, each ${key} once` : '';
  const rule = field({
    says: `must be a list of 1 to ${maximum} objects${unique}`,
    schema: { type: 'array', minItems: 1, maxItems: maximum },
    of: type,
    holds: (value) =>
      Array.isArray(value) &&
      value.length >= 1 &&
      value.length <= maximum &&
      value.every(isObject) &&
      (!key || new Set(value.map((item) => (item as Record<string, unknown>)[key])).size === value.length),
  });
  return all(rule, ValidateNested(), Type(type));
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const anObject = (): FieldRule => ({ says: 'must be an object', schema: { type: 'object' }, holds: isObject });

const all =
  (...decorators: PropertyDecorator[]): PropertyDecorator =>
  (target, property) =>
    decorators.forEach((decorate) => decorate(target, property));
