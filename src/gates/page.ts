import { createHash } from 'node:crypto';
import { invalid } from '../failure.js';
import { operations } from './operation.js';

const MAX_POSITION = 8;

/**
 * The token of the page after `position`. `filter` is the query itself (its page size and page token are left out) or
 * an object naming everything the list was narrowed by.
 */
export const encodePage = (filter: object, position: string[]): string =>
  Buffer.from(JSON.stringify([digest(filter), ...position])).toString('base64url');

/**
 * The position a token stands for; undefined for the first page. Tokens are opaque but not secret: a caller can make
 * one up, so a position is compared as text and never cast in SQL.
 */
export function decodePage(filter: object, token?: string): string[] | undefined {
  if (!token) return undefined;
  const [made, ...position] = decoded(token);
  if (made === digest(filter) && position.length > 0) return position;
  const message = 'is not a token of this list with these arguments; begin again without one';
  throw invalid([{ field: 'pageToken', message }], 'invalid-page-token');
}

function decoded(token: string): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(parts) && parts.length <= MAX_POSITION && parts.every(isText) ? parts : [];
  } catch {
    return [];
  }
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.isWellFormed() && !value.includes('\0');

function digest(filter: object): string {
  const named = operations().get(filter.constructor as new () => object)?.name;
  const narrowing = Object.entries(filter)
    .filter(([name, value]) => value !== undefined && name !== 'pageSize' && name !== 'pageToken')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([named, narrowing]))
    .digest('base64url')
    .slice(0, 16);
}
