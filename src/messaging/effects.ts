import { Logger } from '@nestjs/common';
import type { Database } from '../database/database.js';
import { sql, type Statement } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { Effect, EffectKind } from './effect.js';
import { EffectRunner, type Settled, SLACK_MS } from './effect-runner.js';
import type { Progress } from './loop.js';

const SWEEP_SET = 500;

/** The effects of one module: born leased in the deciding transaction, run after its commit, settled in sets. */
export class Effects {
  private readonly logger = new Logger('Effects');
  private readonly text: ReturnType<typeof statements>;
  private readonly runners = new Map<string, EffectRunner>();

  constructor(
    schema: string,
    private readonly database: Database,
  ) {
    this.text = statements(schema);
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  register(kind: EffectKind<any, any>): void {
    this.runners.set(kind.kind, new EffectRunner(kind, (settled) => this.settle(kind, settled), this.logger));
  }

  /** Starts effects: rows in the caller's transaction, leased to this process, which runs them after the commit. */
  start(tx: Tx, kind: string, effects: { key: string; body: object }[]): void {
    if (effects.length === 0) return;
    const rows = effects.map((e) => ({ kind, key: e.key, body: e.body }));
    tx.collect(this, rows, (tx, all) => this.insert(tx, all));
  }

  /** Finds effects whose lease has run out: their process died, or their next try is due. */
  async sweep(): Promise<Progress> {
    let found = 0;
    for (const runner of this.runners.values()) {
      const room = Math.min(SWEEP_SET, runner.room());
      if (room === 0) continue;
      const rows = await this.database.transaction((tx) =>
        tx.rows<EffectRow>(this.text.claim, [runner.kind.kind, room, leaseOf(runner.kind)]),
      );
      runner.run(rows.map(toEffect));
      found += rows.length;
    }
    return found > 0 ? 'more' : 'idle';
  }

  /** Lets calls under way finish and settle; what is still waiting keeps its lease and is swept later. */
  async stop(): Promise<void> {
    await Promise.all([...this.runners.values()].map((r) => r.stop()));
  }

  private async insert(tx: Tx, rows: { kind: string; key: string; body: object }[]): Promise<void> {
    const lease = rows.map((r) => leaseOf(this.runners.get(r.kind)!.kind));
    const born = await tx.rows<{ id: string }>(this.text.insert, [
      rows.map((r) => r.kind),
      rows.map((r) => r.key),
      rows.map((r) => JSON.stringify(r.body)),
      lease,
    ]);
    tx.afterCommit(() => {
      rows.forEach((row, i) => {
        const effect = { id: born[i]!.id, key: row.key, body: row.body, token: 1, attempts: 0, ageMs: 0 };
        this.runners.get(row.kind)!.run([effect]);
      });
    });
  }

  /** Ends effects with a result and puts the others back, each only if it is still ours. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  private async settle(kind: EffectKind<any, any>, settled: Settled[]): Promise<void> {
    await this.database.transaction(async (tx) => {
      const again = settled.filter((s) => 'again' in s.said);
      const done = settled.filter((s) => 'done' in s.said);
      if (again.length > 0)
        await tx.run(this.text.again, [
          again.map((s) => s.effect.id),
          again.map((s) => s.effect.token),
          again.map((s) => kind.delay(s.effect)),
          again.map((s) => (s.said as { again: string }).again),
          again.map((s) => s.tookMs),
        ]);
      if (done.length === 0) return;
      const ours = await tx.rows<{ id: string }>(this.text.remove, [
        done.map((s) => s.effect.id),
        done.map((s) => s.effect.token),
      ]);
      const ids = new Set(ours.map((o) => o.id));
      const results = done
        .filter((s) => ids.has(s.effect.id))
        .map((s) => ({ effect: s.effect, result: (s.said as { done: unknown }).done }));
      if (results.length > 0) await kind.settle(tx, results);
    });
  }
}

interface EffectRow extends Record<string, unknown> {
  id: string;
  key: string;
  body: string;
  token: number;
  attempts: number;
  age_ms: number;
}

const toEffect = (row: EffectRow): Effect<unknown> => ({
  id: row.id,
  key: row.key,
  body: JSON.parse(row.body) as unknown,
  token: row.token,
  attempts: row.attempts,
  ageMs: Number(row.age_ms),
});

const leaseOf = (kind: { timeoutMs: number }): number => kind.timeoutMs + SLACK_MS;

const statements = (schema: string): Record<'insert' | 'claim' | 'remove' | 'again', Statement> => ({
  insert: sql(
    `${schema}.effects.insert`,
    `INSERT INTO ${schema}.effects (kind, key, body, lease)
     SELECT k, o, b, now() + l * interval '1 ms' FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) WITH ORDINALITY u(k, o, b, l, n) ORDER BY n
     RETURNING id::text`,
  ),
  claim: sql(
    `${schema}.effects.claim`,
    `UPDATE ${schema}.effects SET token = token + 1, lease = now() + $3::int * interval '1 ms'
      WHERE id = ANY(ARRAY(SELECT id FROM ${schema}.effects WHERE kind = $1 AND lease <= now() ORDER BY lease, id LIMIT $2 FOR UPDATE SKIP LOCKED))
     RETURNING id::text, key, body, token, attempts, coalesce(extract(epoch FROM now() - first_at) * 1000, 0)::float8 AS age_ms`,
  ),
  remove: sql(
    `${schema}.effects.remove`,
    `DELETE FROM ${schema}.effects e USING unnest($1::bigint[], $2::int[]) u(i, t) WHERE e.id = u.i AND e.token = u.t RETURNING e.id::text`,
  ),
  again: sql(
    `${schema}.effects.again`,
    `UPDATE ${schema}.effects e SET lease = now() + u.d * interval '1 ms', attempts = attempts + 1, error = u.e,
            first_at = coalesce(e.first_at, now() - u.took * interval '1 ms')
       FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::float8[]) u(i, t, d, e, took) WHERE e.id = u.i AND e.token = u.t`,
  ),
});
