// Node 20 knows String.prototype.isWellFormed; the ES2023 of tsconfig.json does not.
/// <reference lib="es2024.string" />
import { invalid } from '../failure.js';
import { path } from './paths.js';

/** Deepest nesting of any input (docs/contract.md, "Limits"). It also bounds the recursion of `flawOf`. */
export const MAX_DEPTH = 32;

/** What is wrong, and where, from the innermost key outwards: the path is only paid for by those who err. */
interface Flaw {
  says: string;
  keys: (string | number)[];
}

/**
 * Refuses what no operation can mean and what harms the code behind: too deep, `null`, names of Object.prototype
 * (class-transformer drops `toString` silently and class-validator lets `hasOwnProperty` pass), U+0000 (PostgreSQL
 * answers 22021) and unpaired surrogates (they become U+FFFD in text and fail in jsonb).
 */
export function assertSafe(value: unknown): void {
  const flaw = flawOf(value, 1);
  if (flaw) throw invalid([{ field: path(flaw.keys.reverse()) || 'body', message: flaw.says }]);
}

function flawOf(value: unknown, depth: number): Flaw | undefined {
  switch (typeof value) {
    case 'string':
      return textFlaw(value);
    case 'number':
      return Number.isFinite(value) ? undefined : flaw('must be a finite number');
    case 'boolean':
    case 'undefined':
      return undefined;
    case 'object':
      if (value === null) return flaw('must not be null; leave it out instead');
      if (depth > MAX_DEPTH) return flaw(`is nested deeper than ${MAX_DEPTH} levels`);
      return Array.isArray(value) ? listFlaw(value, depth) : objectFlaw(value, depth);
    default:
      return flaw('is of no kind that can be sent');
  }
}

function listFlaw(list: unknown[], depth: number): Flaw | undefined {
  for (let index = 0; index < list.length; index++) {
    const found = flawOf(list[index], depth + 1);
    if (found) return within(found, index);
  }
  return undefined;
}

function objectFlaw(object: object, depth: number): Flaw | undefined {
  for (const key of Object.keys(object)) {
    const found = isReserved(key)
      ? flaw('is a reserved name')
      : (textFlaw(key) ?? flawOf((object as Record<string, unknown>)[key], depth + 1));
    if (found) return within(found, key);
  }
  return undefined;
}

/** Names that mean something to every JavaScript object, `__proto__` and `constructor` among them. */
export const isReserved = (key: string): boolean => key === 'prototype' || key in Object.prototype;

function textFlaw(text: string): Flaw | undefined {
  if (text.includes('\0')) return flaw('must not contain U+0000');
  return text.isWellFormed() ? undefined : flaw('must not contain unpaired surrogates');
}

const flaw = (says: string): Flaw => ({ says, keys: [] });

function within(found: Flaw, key: string | number): Flaw {
  found.keys.push(key);
  return found;
}
