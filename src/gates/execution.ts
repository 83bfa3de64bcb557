import { createHash } from 'node:crypto';
import { type Database, isConnectionError, sqlState } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { Failure, type FailureJson } from '../failure.js';
import type { Answer, Asked, Outcome, UseCase } from './asked.js';
import { asFailure } from './failure.filter.js';

const LOCK_NOT_AVAILABLE = '55P03';

/** Runs in the transaction of a set, after its outcomes are known: replies and refusals are written there. */
export type Also = (tx: Tx, outcomes: { index: number; answer: Answer<unknown> }[]) => Promise<void> | void;

/**
 * Runs a use case over a set of calls, for all three gates: what was asked before is answered again; what must be asked
 * outside is prepared; the rest is handled in one transaction together with its idempotency keys.
 */
export class Execution {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly database: Database,
  ) {
    this.text = statements(schema);
  }

  /** One answer for each call, in order. Throws only when the database is away. */
  async run<C extends object, R>(useCase: UseCase<C, R>, asked: Asked<C>[], also?: Also): Promise<Answer<R>[]> {
    const set = asked.map((a, index) => ({
      asked: a,
      index,
      print: a.key === undefined ? undefined : fingerprint(a.command),
    }));
    const answers = new Map<number, Answer<R>>();
    await this.attempt(useCase, set, answers, also);
    return set.map((item) => answers.get(item.index)!);
  }

  /** A query: nothing is written, nothing remembered. */
  async ask<C extends object, R>(useCase: UseCase<C, R>, asked: Asked<C>[]): Promise<Answer<R>[]> {
    try {
      const outcomes = await this.database.read((tx) => useCase.handle(tx, asked, []));
      return outcomes.map((outcome) => ({ outcome, replayed: false }));
    } catch (error) {
      if (isConnectionError(error)) throw error;
      if (asked.length === 1) return [{ outcome: asFailure(error), replayed: false }];
      return (await Promise.all(asked.map((one) => this.ask(useCase, [one])))).flat();
    }
  }

  private async attempt<C extends object, R>(
    useCase: UseCase<C, R>,
    set: Item<C>[],
    answers: Map<number, Answer<R>>,
    also?: Also,
  ): Promise<void> {
    const { first, later } = splitTwins(set);
    const fresh = await this.recall(first, answers, also);
    const ready = await prepare(useCase, fresh, answers);
    if (ready.length > 0) await this.handle(useCase, ready, answers, also);
    // The same call twice in one set: what came of the first is known now, so it is recalled like any other.
    if (later.length > 0) await this.attempt(useCase, later, answers, also);
  }

  private async handle<C extends object, R>(
    useCase: UseCase<C, R>,
    ready: Ready<C>[],
    answers: Map<number, Answer<R>>,
    also?: Also,
  ): Promise<void> {
    try {
      const outcomes = await this.database.transaction((tx) => this.inTransaction(tx, useCase, ready, also));
      ready.forEach((item, i) => answers.set(item.index, { outcome: outcomes[i]!, replayed: false }));
    } catch (error) {
      if (error instanceof Raced) return this.attempt(useCase, ready, answers, also);
      if (isConnectionError(error)) throw error;
      if (ready.length === 1) answers.set(ready[0]!.index, { outcome: asFailure(error), replayed: false });
      // The transaction is rolled back: alone, a bad item hurts only itself.
      else for (const item of ready) await this.handle(useCase, [item], answers, also);
    }
  }

  private async inTransaction<C extends object, R>(
    tx: Tx,
    useCase: UseCase<C, R>,
    ready: Ready<C>[],
    also?: Also,
  ): Promise<Outcome<R>[]> {
    const outcomes = await useCase.handle(
      tx,
      ready.map((r) => r.asked),
      ready.map((r) => r.prepared),
    );
    const keyed = ready
      .map((item, i) => ({ ...item, outcome: outcomes[i]! }))
      .filter((item) => item.print && remembered(item.outcome))
      .sort((a, b) => compare(keyOf(a), keyOf(b)));
    if (keyed.length > 0) await this.remember(tx, keyed);
    await also?.(
      tx,
      ready.map(({ index }, i) => ({ index, answer: { outcome: outcomes[i]!, replayed: false } })),
    );
    return outcomes;
  }

  /** Writes keys and outcomes. A key another call holds is waited for, at most `lock_timeout` (5 s). */
  private async remember<C extends object>(tx: Tx, keyed: (Item<C> & { outcome: unknown })[]): Promise<void> {
    const written = await tx
      .run(this.text.remember, [
        keyed.map((k) => k.asked.by.name),
        keyed.map((k) => k.asked.operation.name),
        keyed.map((k) => k.asked.key),
        keyed.map((k) => k.print),
        keyed.map((k) => JSON.stringify(toStored(k.outcome))),
      ])
      .catch((error: unknown) => {
        throw sqlState(error) === LOCK_NOT_AVAILABLE ? inUse() : error;
      });
    if (written < keyed.length) throw new Raced();
  }

  /** Answers what was asked before, and gives back what was not. */
  private async recall<C extends object, R>(
    set: Item<C>[],
    answers: Map<number, Answer<R>>,
    also?: Also,
  ): Promise<Item<C>[]> {
    const keyed = set.filter((item) => item.print);
    if (keyed.length === 0) return set;
    const rows = await this.database.rows<StoredRow>(this.text.recall, [
      keyed.map((k) => k.asked.by.name),
      keyed.map((k) => k.asked.operation.name),
      keyed.map((k) => k.asked.key),
    ]);
    if (rows.length === 0) return set;
    const known = new Map(rows.map((r) => [compound(r.principal, r.operation, r.key), r]));
    const replayed: { index: number; answer: Answer<R> }[] = [];
    const fresh = set.filter((item) => {
      const row = item.print && known.get(keyOf(item));
      if (!row) return true;
      const same = row.fingerprint.equals(item.print!);
      replayed.push({
        index: item.index,
        answer: same ? { outcome: fromStored<R>(row.outcome), replayed: true } : reused,
      });
      return false;
    });
    if (also) await this.database.transaction(async (tx) => also(tx, replayed));
    for (const { index, answer } of replayed) answers.set(index, answer);
    return fresh;
  }
}

interface Item<C extends object> {
  asked: Asked<C>;
  index: number;
  print?: Buffer;
}

interface Ready<C extends object> extends Item<C> {
  prepared: unknown;
}

interface StoredRow extends Record<string, unknown> {
  principal: string;
  operation: string;
  key: string;
  fingerprint: Buffer;
  outcome: string;
}

/** Another transaction wrote one of our keys first: everything is rolled back and asked again. */
class Raced extends Error {}

const reused: Answer<never> = {
  outcome: new Failure(
    'invalid',
    'idempotency-key-reused',
    'This idempotency key was used before, with another command.',
  ),
  replayed: false,
};

const inUse = (): Failure =>
  new Failure('precondition', 'idempotency-key-in-use', 'A call with this idempotency key is still running.', {
    retryAfter: 1,
  });

const compound = (...parts: string[]): string => parts.join('\u0000');
const keyOf = <C extends object>({ asked }: Item<C>): string =>
  compound(asked.by.name, asked.operation.name, asked.key ?? '');
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function splitTwins<C extends object>(set: Item<C>[]): { first: Item<C>[]; later: Item<C>[] } {
  const known = new Set<string>();
  const first: Item<C>[] = [];
  const later: Item<C>[] = [];
  for (const item of set) {
    if (item.print && known.has(keyOf(item))) later.push(item);
    else first.push(item);
    if (item.print) known.add(keyOf(item));
  }
  return { first, later };
}

async function prepare<C extends object, R>(
  useCase: UseCase<C, R>,
  set: Item<C>[],
  answers: Map<number, Answer<R>>,
): Promise<Ready<C>[]> {
  if (!useCase.prepare || set.length === 0) return set.map((item) => ({ ...item, prepared: undefined }));
  const prepared = await useCase.prepare(set.map((item) => item.asked));
  const ready: Ready<C>[] = [];
  set.forEach((item, i) => {
    const one = prepared[i];
    if (one instanceof Failure) answers.set(item.index, { outcome: one, replayed: false });
    else ready.push({ ...item, prepared: one });
  });
  return ready;
}

/** SHA-256 over the command: keys sorted, absent optionals left out; never over method or URL, so it holds on all gates. */
function fingerprint(command: object): Buffer {
  return createHash('sha256').update(canonical(command)).digest();
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return `{${entries
    .sort(([a], [b]) => compare(a, b))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
    .join(',')}}`;
}

/** Refusals that may pass next time are not stored. */
const STORED_KINDS = ['not-found', 'conflict', 'precondition'];
const remembered = (outcome: unknown): boolean => !(outcome instanceof Failure) || STORED_KINDS.includes(outcome.kind);

const toStored = (outcome: unknown): object =>
  outcome instanceof Failure ? { failure: outcome.toJSON() } : { result: outcome };

function fromStored<R>(text: string): Outcome<R> {
  const stored = JSON.parse(text) as { failure?: FailureJson; result?: R };
  return stored.failure ? Failure.fromJSON(stored.failure) : (stored.result as R);
}

const statements = (schema: string) => ({
  recall: sql(
    `${schema}.idempotency.recall`,
    `SELECT i.principal, i.operation, i.key, i.fingerprint, i.outcome FROM ${schema}.idempotency_keys i
       JOIN unnest($1::text[], $2::text[], $3::text[]) u(p, o, k) ON i.principal = u.p AND i.operation = u.o AND i.key = u.k`,
  ),
  remember: sql(
    `${schema}.idempotency.remember`,
    `INSERT INTO ${schema}.idempotency_keys (principal, operation, key, fingerprint, outcome)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[]) ON CONFLICT DO NOTHING`,
  ),
});
