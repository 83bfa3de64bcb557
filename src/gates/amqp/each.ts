import { isConnectionError } from '../../database/database.js';
import type { Answer, Asked } from '../asked.js';
import { asFailure } from '../failures.js';

/** The answers of calls that are made one by one. Throws only when the database is away. */
export const answersOfEach = <C extends object>(
  set: Asked<C>[],
  answer: (asked: Asked<C>) => Promise<Answer<unknown>>,
): Promise<Answer<unknown>[]> =>
  Promise.all(
    set.map((asked) =>
      answer(asked).catch((error: unknown) => {
        if (isConnectionError(error)) throw error;
        return { outcome: asFailure(error), replayed: false };
      }),
    ),
  );
