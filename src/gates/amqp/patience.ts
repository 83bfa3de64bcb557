import { Failure } from '../../failure.js';
import type { Answer, Asked, Patience } from '../asked.js';
import type { Asker } from './reply.js';

/** So many callers may wait at once, as at the other gates; for one more its preference is not followed (RFC 7240, 2). */
const AT_ONCE = 5_000;

/** Who of one queue would rather wait (`Prefer: wait`), and for whom somebody does. */
export class Patient {
  private waiting = 0;

  /** The answer that is worth waiting for, begun when it is called; undefined when this one goes out at once. */
  of(
    asked: Asked<object>,
    { replyTo }: Asker,
    answer: Answer<unknown>,
    patience?: Patience,
  ): (() => Promise<Answer<unknown>>) | undefined {
    if (!patience || !replyTo || !asked.wait || answer.outcome instanceof Failure) return undefined;
    if (this.waiting >= AT_ONCE) return undefined;
    return async () => {
      this.waiting++;
      try {
        return await patience(asked, Promise.resolve(answer));
      } finally {
        this.waiting--;
      }
    };
  }
}
