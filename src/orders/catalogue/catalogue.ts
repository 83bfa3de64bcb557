import type { Quote } from '../../inventory/index.js';

/** Where prices are asked: the one synchronous question between modules. */
export abstract class Catalogue {
  /** The items of these SKUs; one that is not there has no entry. Throws `unavailable` when nobody answers. */
  abstract quote(skus: string[]): Promise<Map<string, Quote>>;
}
