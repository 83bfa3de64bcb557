import type { OnApplicationShutdown } from '@nestjs/common';
import type { Quote } from '../../inventory/index.js';
import { Catalogue, type Cause } from './catalogue.js';

const FRESH_MS = 1_000;
const LARGEST = 50_000;

/** What can be asked, and closed when it has something open. */
type Source = Pick<Catalogue, 'quote'> & { close?: () => void };

/** Remembers quotes for at most a second, and never that an item was not there. */
export class RememberingCatalogue extends Catalogue implements OnApplicationShutdown {
  private readonly known = new Map<string, { quote: Quote; until: number }>();

  constructor(private readonly asks: Source) {
    super();
  }

  async quote(skus: string[], causes?: readonly Cause[]): Promise<Map<string, Quote>> {
    const now = performance.now();
    const quotes = new Map<string, Quote>();
    const missing: string[] = [];
    for (const sku of new Set(skus)) {
      const entry = this.known.get(sku);
      if (entry && entry.until > now) quotes.set(sku, entry.quote);
      else missing.push(sku);
    }
    if (missing.length === 0) return quotes;
    const fresh = await this.asks.quote(missing, causes);
    if (this.known.size + fresh.size > LARGEST) this.known.clear();
    for (const [sku, quote] of fresh) {
      quotes.set(sku, quote);
      this.known.set(sku, { quote, until: now + FRESH_MS });
    }
    return quotes;
  }

  /** After the gates are closed: until then calls may ask. */
  onApplicationShutdown(): void {
    this.asks.close?.();
  }
}
