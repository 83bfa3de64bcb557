import type { RateLimit } from '../access/rate-limit.js';
import { type Database, isConnectionError } from '../database/database.js';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Answer, Asked, Outcome, UseCase } from './asked.js';
import { asFailure } from './failures.js';
import { fingerprint, Idempotency, keyOf, Raced } from './idempotency.js';

/** Runs in the transaction of a set, after its outcomes are known: replies and refusals are written there. */
export type Also = (tx: Tx, outcomes: { index: number; answer: Answer<unknown> }[]) => Promise<void> | void;

/**
 * Runs a use case over a set of calls, for all three gates: what was asked before is answered again; what must be asked
 * outside is prepared; the rest is handled in one transaction together with its idempotency keys.
 */
export class Execution {
  private readonly idempotency: Idempotency;

  constructor(
    schema: string,
    private readonly database: Database,
    /** For calls that were not counted at admission. */
    private readonly limit?: RateLimit,
  ) {
    this.idempotency = new Idempotency(schema, database);
  }

  /** One answer for each call, in order. Throws only when the database is away. */
  async run<C extends object, R>(useCase: UseCase<C, R>, asked: Asked<C>[], also?: Also): Promise<Answer<R>[]> {
    const set = asked.map((a, index) => ({
      asked: a,
      index,
      print: a.key === undefined ? undefined : fingerprint(a.command),
    }));
    const answers = new Map<number, Answer<R>>();
    await this.attempt(useCase, await this.within(set, answers), answers, also);
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

  /** Those whose callers have not used up their rate. */
  private async within<C extends object, R>(set: Item<C>[], answers: Map<number, Answer<R>>): Promise<Item<C>[]> {
    if (!this.limit) return set;
    const refusals = await this.limit.takeEach(set.map(({ asked }) => asked.by.name));
    refusals.forEach((outcome, i) => outcome && answers.set(set[i]!.index, { outcome, replayed: false }));
    return set.filter(({ index }) => !answers.has(index));
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
    const keyed = ready.map((item, i) => ({ ...item, outcome: outcomes[i] })).filter(isKeyed);
    this.idempotency.remember(tx, keyed);
    await also?.(
      tx,
      ready.map(({ index }, i) => ({ index, answer: { outcome: outcomes[i]!, replayed: false } })),
    );
    return outcomes;
  }

  /** Answers what was asked before, and gives back what was not. */
  private async recall<C extends object, R>(
    set: Item<C>[],
    answers: Map<number, Answer<R>>,
    also?: Also,
  ): Promise<Item<C>[]> {
    const keyed = set.filter(isKeyed);
    if (keyed.length === 0) return set;
    const known = await this.idempotency.recall<R>(keyed);
    if (known.size === 0) return set;
    const replayed = keyed.flatMap((item) => {
      const answer = known.get(item);
      return answer ? [{ index: item.index, answer }] : [];
    });
    if (also) await this.database.transaction(async (tx) => also(tx, replayed));
    for (const { index, answer } of replayed) answers.set(index, answer);
    return set.filter((item) => !answers.has(item.index));
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

const isKeyed = <T extends { print?: Buffer }>(item: T): item is T & { print: Buffer } => item.print !== undefined;

function splitTwins<C extends object>(set: Item<C>[]): { first: Item<C>[]; later: Item<C>[] } {
  const known = new Set<string>();
  const first: Item<C>[] = [];
  const later: Item<C>[] = [];
  for (const item of set) {
    if (item.print && known.has(keyOf(item.asked))) later.push(item);
    else first.push(item);
    if (item.print) known.add(keyOf(item.asked));
  }
  return { first, later };
}

async function prepare<C extends object, R>(
  useCase: UseCase<C, R>,
  set: Item<C>[],
  answers: Map<number, Answer<R>>,
): Promise<Ready<C>[]> {
  if (!useCase.prepare || set.length === 0) return set.map((item) => ({ ...item, prepared: undefined }));
  const prepared = await preparedOf(
    useCase,
    set.map((item) => item.asked),
  );
  const ready: Ready<C>[] = [];
  set.forEach((item, i) => {
    const one = prepared[i];
    if (one instanceof Failure) answers.set(item.index, { outcome: one, replayed: false });
    else ready.push({ ...item, prepared: one });
  });
  return ready;
}

/** What could not be asked refuses each of the set as its outcome: over RabbitMQ such commands wait, and nothing is remembered. */
async function preparedOf<C extends object, R>(useCase: UseCase<C, R>, asked: Asked<C>[]): Promise<unknown[]> {
  try {
    return await useCase.prepare!(asked);
  } catch (error) {
    if (isConnectionError(error)) throw error;
    const failure = asFailure(error);
    return asked.map(() => failure);
  }
}
