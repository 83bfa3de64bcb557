import { sql, type Statement } from '../../database/statement.js';
import type { Effect } from './effect.js';

/** An effect as the sweep claims it. */
export interface EffectRow extends Record<string, unknown> {
  id: string;
  key: string;
  body: string;
  token: number;
  attempts: number;
  age_ms: number;
  trace: string | null;
}

export const toEffect = (row: EffectRow): Effect<unknown> => ({
  id: row.id,
  key: row.key,
  body: JSON.parse(row.body) as unknown,
  token: row.token,
  attempts: row.attempts,
  ageMs: Number(row.age_ms),
  trace: row.trace ?? undefined,
});

/** What is asked of the table of effects of one module. */
export const statements = (schema: string): Record<'insert' | 'claim' | 'remove' | 'again' | 'due', Statement> => ({
  // Born due, it is nobody's yet: whoever claims it first has the first token, and need not ask what became of it before.
  insert: sql(
    `${schema}.effects.insert`,
    `INSERT INTO ${schema}.effects (kind, key, body, token, lease, trace)
     SELECT k, o, b, CASE WHEN l > 0 THEN 1 ELSE 0 END, now() + l * interval '1 ms', t
       FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[]) WITH ORDINALITY u(k, o, b, l, t, n) ORDER BY n
     RETURNING id::text`,
  ),
  // `error` says what an effect waits for; while it is tried it is empty.
  claim: sql(
    `${schema}.effects.claim`,
    `UPDATE ${schema}.effects SET token = token + 1, lease = now() + $3::int * interval '1 ms', error = NULL
      WHERE id = ANY(ARRAY(SELECT id FROM ${schema}.effects WHERE kind = $1 AND lease <= now() ORDER BY lease, id LIMIT $2 FOR UPDATE SKIP LOCKED))
     RETURNING id::text, key, body, trace, token, attempts, coalesce(extract(epoch FROM now() - first_at) * 1000, 0)::float8 AS age_ms`,
  ),
  remove: sql(
    `${schema}.effects.remove`,
    `DELETE FROM ${schema}.effects e USING unnest($1::bigint[], $2::int[]) u(i, t) WHERE e.id = u.i AND e.token = u.t RETURNING e.id::text, e.token`,
  ),
  again: sql(
    `${schema}.effects.again`,
    `UPDATE ${schema}.effects e SET lease = now() + u.d * interval '1 ms', attempts = attempts + 1, error = u.e,
            first_at = coalesce(e.first_at, now() - u.took * interval '1 ms')
       FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::float8[]) u(i, t, d, e, took) WHERE e.id = u.i AND e.token = u.t`,
  ),
  due: sql(
    `${schema}.effects.due`,
    `UPDATE ${schema}.effects SET lease = now()
      WHERE id = ANY(ARRAY(SELECT id FROM ${schema}.effects WHERE kind = $1 AND lease > now() AND error IS NOT NULL
                            ORDER BY id FOR UPDATE SKIP LOCKED))`,
  ),
});
