import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Quote } from './index.js';
import { InventoryRepository } from './inventory.repository.js';

/** Tells what items are called and cost: the one synchronous question between modules. Whoever asks may remember. */
@Injectable()
export class QuoteItems {
  constructor(
    private readonly database: Database,
    private readonly items: InventoryRepository,
  ) {}

  /** One statement for all; a SKU that is not there has no entry. */
  async quote(skus: string[]): Promise<Map<string, Quote>> {
    if (skus.length === 0) return new Map();
    return this.database.read((tx) => this.items.quotes(tx, [...new Set(skus)]));
  }
}
