import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Sku } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import type { Item } from './index.js';
import { itemNotFound } from './inventory.failures.js';
import { InventoryRepository } from './inventory.repository.js';

/** Asks for one item with its stock. */
@Operation({ name: 'inventory.get-item', scope: 'inventory:read', kind: 'query', refuses: ['item-not-found'] })
export class GetItem {
  @Sku() sku!: string;
}

@Injectable()
export class GetItemHandler implements UseCase<GetItem, Item> {
  constructor(private readonly items: InventoryRepository) {}

  async handle(tx: Tx, asked: Asked<GetItem>[]): Promise<Outcome<Item>[]> {
    const found = await this.items.find(tx, [...new Set(asked.map((a) => a.command.sku))]);
    return asked.map(({ command }) => found.get(command.sku) ?? itemNotFound(command.sku));
  }
}
