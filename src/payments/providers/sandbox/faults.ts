import type { ClientBase, Pool } from 'pg';
import { queryOf, sql } from '../../../database/statement.js';
import { methodNamed } from './methods.js';

const COUNT = sql(
  'sandbox.count-calls',
  `INSERT INTO sandbox.calls AS c (key, n) SELECT k, 1 FROM unnest($1::text[]) k ORDER BY k
   ON CONFLICT (key) DO UPDATE SET n = c.n + 1 RETURNING key, n`,
);

/**
 * Counts a call for every key whose method begins with errors, and answers the keys that get one now. Only those are
 * counted: for all others a count would be one more write per payment that nobody asks for.
 */
export async function faulty(
  ledger: Pool | ClientBase,
  calls: { key: string; method: string }[],
): Promise<ReadonlySet<string>> {
  const errors = new Map<string, number>();
  for (const { key, method } of calls) {
    const count = methodNamed(method).errors;
    if (count > 0) errors.set(key, count);
  }
  if (errors.size === 0) return new Set();
  const { rows } = await ledger.query<{ key: string; n: number }>(queryOf(COUNT, [[...errors.keys()]]));
  return new Set(rows.filter(({ key, n }) => n <= errors.get(key)!).map(({ key }) => key));
}
