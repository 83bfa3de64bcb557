import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Asked, UseCase } from '../gates/asked.js';
import { Currency, Sku, Text, UnitPrice } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { Outbox } from '../messaging/outbox/outbox.js';
import { type Item, ItemPut } from './index.js';
import { InventoryRepository } from './inventory.repository.js';

/** Creates an item, or gives it another name and price; its stock stays. */
@Operation({ name: 'inventory.put-item', scope: 'inventory:write', kind: 'command' })
export class PutItem {
  @Sku() sku!: string;
  @Text(200) name!: string;
  @Currency() currency!: string;
  @UnitPrice() unitPrice!: number;
}

/** Puts items. Of several calls for one SKU the last wins; each is answered with the item as it left it. */
@Injectable()
export class PutItemHandler implements UseCase<PutItem, Item> {
  constructor(
    private readonly items: InventoryRepository,
    private readonly outbox: Outbox,
  ) {}

  async handle(tx: Tx, asked: Asked<PutItem>[]): Promise<Item[]> {
    const puts = new Map<string, PutItem[]>();
    for (const { command } of asked) puts.set(command.sku, [...(puts.get(command.sku) ?? []), command]);
    const stored = await this.items.put(
      tx,
      [...puts.values()].map((of) => ({ ...of.at(-1)!, version: of.length })),
    );
    const outcomes = asked.map(({ command }) => {
      const item = stored.get(command.sku)!;
      const of = puts.get(command.sku)!;
      const later = of.length - 1 - of.indexOf(command);
      const { name, currency, unitPrice } = command;
      return { ...item, name, currency, unitPrice, version: item.version - later };
    });
    outcomes.forEach((item, i) => this.outbox.publish(tx, ItemPut, [item], asked[i]!.trace));
    return outcomes;
  }
}
