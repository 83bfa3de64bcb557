import type { Answer, Asked, Patience, UseCase } from '../asked.js';

/** Answers calls one by one, where there is no use case over sets: the repair desk. */
type Each = <C extends object>(set: Asked<C>[], answer: (asked: Asked<C>) => Promise<Answer<unknown>>) => Promise<void>;

/** What an AMQP controller's method is given with a set of admitted commands. */
export interface CommandReception {
  /** Runs the set: prepares, handles in one transaction with keys and replies, answers; `patience` follows `prefer`. */
  readonly run: <C extends object, R>(
    useCase: UseCase<C, R>,
    set: Asked<C>[],
    patience?: Patience<C, R>,
  ) => Promise<void>;
  readonly each: Each;
}

/** What an AMQP controller's method is given with a set of admitted queries. */
export interface QueryReception {
  /** Asks the set in one read. */
  readonly ask: <C extends object, R>(
    useCase: UseCase<C, R>,
    set: Asked<C>[],
    patience?: Patience<C, R>,
  ) => Promise<void>;
  readonly each: Each;
}
