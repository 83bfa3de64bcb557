import type { Quote } from '../../inventory/index.js';

/** Why prices are asked: a call, and the `traceparent` under which it is handled. */
export interface Cause {
  trace?: string;
}

/** Where prices are asked: the one synchronous question between modules. */
export abstract class Catalogue {
  /**
   * The items of these SKUs; one that is not there has no entry. Throws `unavailable` when nobody answers.
   * `causes`: the calls that wait for it.
   */
  abstract quote(skus: string[], causes?: readonly Cause[]): Promise<Map<string, Quote>>;
}
