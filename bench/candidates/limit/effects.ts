import { columns, type Run, transaction } from './database.js';
import { fatal, type Outbox, type Outgoing } from './message-path.js';

const CONCURRENCY = 64;
const SETTLE_SET = 200;

/** A call to the outside, decided in a transaction and made after it. */
export interface Effect<B> {
  key: string;
  body: B;
}

/** What a kind of call does: the call, and what its answers mean. */
export interface Kind<B> {
  schema: string;
  outbox: Outbox;
  call(effect: Effect<B>): Promise<string>;
  settle(run: Run, settled: { effect: Effect<B>; answer: string }[]): Promise<Outgoing[]>;
}

export const effectsTable = (schema: string): string =>
  `CREATE TABLE ${schema}.effects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key uuid NOT NULL, body text NOT NULL,
     token int NOT NULL DEFAULT 1, lease timestamptz NOT NULL DEFAULT now() + interval '10 s')
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);`;

/** Effects born leased: stored with the decision, run from memory after its commit, settled in sets. */
export class Effects<B> {
  private readonly waiting: { id: string; effect: Effect<B> }[] = [];
  private readonly answered: { id: string; effect: Effect<B>; answer: string }[] = [];
  private under = 0;
  private settling = false;

  constructor(private readonly kind: Kind<B>) {}

  /** Stores them; what it answers runs them and is to be called after the commit. */
  async start(run: Run, effects: Effect<B>[]): Promise<() => void> {
    const rows = await run<{ id: string }>(
      `INSERT INTO ${this.kind.schema}.effects (key, body) SELECT * FROM unnest($1::uuid[], $2::text[]) RETURNING id`,
      columns(
        effects,
        (e) => e.key,
        (e) => JSON.stringify(e.body),
      ),
    );
    return () => {
      effects.forEach((effect, i) => this.waiting.push({ id: rows[i]!.id, effect }));
      this.begin();
    };
  }

  private begin(): void {
    while (this.under < CONCURRENCY && this.waiting.length > 0) {
      const { id, effect } = this.waiting.shift()!;
      this.under++;
      void this.kind
        .call(effect)
        .then((answer) => {
          this.under--;
          this.answered.push({ id, effect, answer });
          if (!this.settling) {
            this.settling = true;
            setImmediate(() => void this.settle().catch(fatal));
          }
          this.begin();
        })
        .catch(fatal);
    }
  }

  private async settle(): Promise<void> {
    const { schema, outbox } = this.kind;
    while (this.answered.length > 0) {
      const set = this.answered.splice(0, SETTLE_SET);
      await transaction(async (run) => {
        await run(`DELETE FROM ${schema}.effects e USING unnest($1::bigint[]) u(i) WHERE e.id = u.i AND e.token = 1`, [
          set.map((s) => s.id),
        ]);
        await outbox.write(run, await this.kind.settle(run, set));
      });
      outbox.wake();
    }
    this.settling = false;
  }
}
