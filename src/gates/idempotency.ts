import { createHash } from 'node:crypto';
import type { Database } from '../database/database.js';
import { LOCK_NOT_AVAILABLE, sqlState, UNIQUE_VIOLATION } from '../database/sql-state.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { Failure, type FailureJson } from '../failure.js';
import type { Answer, Asked, Outcome } from './asked.js';

/** A call with an idempotency key, as its memory knows it: principal, operation, key, and what was asked. */
export interface Keyed {
  asked: Asked<object>;
  print: Buffer;
}

/** Another transaction wrote one of our keys first: everything is rolled back and asked again. */
export class Raced extends Error {}

/** What was answered under which key, one module's: the same over all gates, in the command's own transaction. */
export class Idempotency {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly database: Database,
  ) {
    this.text = statements(schema);
  }

  /** The answers given before under these keys; another command under a known key is refused. */
  async recall<R>(calls: Keyed[]): Promise<Map<Keyed, Answer<R>>> {
    const rows = await this.database.rows<StoredRow>(this.text.recall, keyColumns([...calls, ...claims(calls)]));
    const known = new Map(rows.map((r) => [compound(r.principal, r.operation, r.key), r]));
    const answers = new Map<Keyed, Answer<R>>();
    for (const call of calls) {
      const row = known.get(keyOf(call.asked));
      const [claim] = claims([call]);
      const claimed = claim && known.get(keyOf(claim.asked));
      const other =
        (row && !row.fingerprint.equals(call.print)) || (claimed && !claimed.fingerprint.equals(claim.print));
      if (other) answers.set(call, reused);
      else if (row) answers.set(call, { outcome: fromStored<R>(row.outcome), replayed: true });
    }
    return answers;
  }

  /**
   * Writes keys and outcomes with COMMIT, in sorted order; what may pass next time is left out. A key another call holds is
   * waited for, at most `lock_timeout` (5 s). The transaction fails with {@link Raced} when somebody was first.
   */
  remember(tx: Tx, calls: (Keyed & { outcome: unknown })[]): void {
    const stored = calls.filter((call) => isStored(call.outcome));
    const claimed = claims(stored).map((claim) => ({ ...claim, outcome: undefined }));
    const kept = [...stored, ...claimed].sort((a, b) => compare(keyOf(a.asked), keyOf(b.asked)));
    if (kept.length === 0) return;
    const prints = kept.map((k) => k.print);
    const outcomes = kept.map((k) => JSON.stringify(toStored(k.outcome)));
    tx.write(this.text.remember, [...keyColumns(kept), prints, outcomes], meaningOf);
  }
}

/** What it means that a key could not be written. */
function meaningOf(error: unknown): unknown {
  const state = sqlState(error);
  if (state === UNIQUE_VIOLATION) return new Raced();
  return state === LOCK_NOT_AVAILABLE ? inUse() : error;
}

interface StoredRow extends Record<string, unknown> {
  principal: string;
  operation: string;
  key: string;
  fingerprint: Buffer;
  outcome: string;
}

const keyColumns = (calls: Keyed[]): unknown[] => [
  calls.map(({ asked }) => asked.by.name),
  calls.map(({ asked }) => asked.operation.name),
  calls.map(({ asked }) => asked.key),
];

const compound = (...parts: string[]): string => parts.join('\u0000');

/** One key of one principal for one operation is one command. */
export const keyOf = (asked: Asked<object>): string => compound(asked.by.name, asked.operation.name, asked.key ?? '');

/**
 * What keeps a message id from being used for another operation of this module: a row under no operation's name, with the
 * fingerprint of operation and command. Two processes that take the two at one moment are told apart by its primary key.
 */
const claims = (calls: Keyed[]): Keyed[] =>
  calls
    .filter(({ asked }) => asked.keyIsMessageId)
    .map(({ asked, print }) => ({
      asked: { ...asked, operation: { ...asked.operation, name: '' } },
      print: createHash('sha256').update(asked.operation.name).update(print).digest(),
    }));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

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

/** SHA-256 over the command: keys sorted, absent optionals left out; never over method or URL, so it holds on all gates. */
export function fingerprint(command: object): Buffer {
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
const isStored = (outcome: unknown): boolean => !(outcome instanceof Failure) || STORED_KINDS.includes(outcome.kind);

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
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[])`,
  ),
});
