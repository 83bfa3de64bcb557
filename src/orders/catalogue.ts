import type { Quote } from '../inventory/index.js';

/** Where prices are asked: the one synchronous question between modules. */
export abstract class Catalogue {
  /** The items of these SKUs; one that is not there has no entry. Throws `unavailable` when nobody answers. */
  abstract quote(skus: string[]): Promise<Map<string, Quote>>;
}

const FRESH_MS = 1_000;
const LARGEST = 50_000;

/** Remembers quotes for at most a second, and never that an item was not there. */
export class RememberingCatalogue extends Catalogue {
  private readonly known = new Map<string, { quote: Quote; until: number }>();

  constructor(private readonly asks: Pick<Catalogue, 'quote'>) {
    super();
  }

  async quote(skus: string[]): Promise<Map<string, Quote>> {
    const now = Date.now();
    const quotes = new Map<string, Quote>();
    const missing: string[] = [];
    for (const sku of new Set(skus)) {
      const entry = this.known.get(sku);
      if (entry && entry.until > now) quotes.set(sku, entry.quote);
      else missing.push(sku);
    }
    if (missing.length === 0) return quotes;
    const fresh = await this.asks.quote(missing);
    if (this.known.size + fresh.size > LARGEST) this.known.clear();
    for (const [sku, quote] of fresh) {
      quotes.set(sku, quote);
      this.known.set(sku, { quote, until: now + FRESH_MS });
    }
    return quotes;
  }
}
