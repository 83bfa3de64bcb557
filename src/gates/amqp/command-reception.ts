import type { Asked, UseCase } from '../asked.js';

/** What an AMQP controller's method is given with a set of admitted commands. */
export interface CommandReception {
  /** Runs the set: prepares, handles in one transaction with keys and replies, answers. */
  readonly run: <C extends object, R>(useCase: UseCase<C, R>, set: Asked<C>[]) => Promise<unknown>;
}
