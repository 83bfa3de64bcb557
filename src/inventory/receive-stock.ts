import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { ReceiptQuantity, Sku } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { Outbox } from '../messaging/outbox/outbox.js';
import { type Item, StockReceived } from './index.js';
import { itemNotFound, MOST_RECEIVED, tooMuchStock } from './inventory.failures.js';
import { type Change, InventoryRepository } from './inventory.repository.js';

/** Adds pieces that came in to what is available. */
@Operation({
  name: 'inventory.receive-stock',
  scope: 'inventory:write',
  kind: 'command',
  refuses: ['item-not-found', 'too-much-stock'],
})
export class ReceiveStock {
  @Sku() sku!: string;
  @ReceiptQuantity() quantity!: number;
}

/** Receives stock. Several receipts of one SKU are written as one sum; each is answered with the item as it left it. */
@Injectable()
export class ReceiveStockHandler implements UseCase<ReceiveStock, Item> {
  constructor(
    private readonly items: InventoryRepository,
    private readonly outbox: Outbox,
  ) {}

  async handle(tx: Tx, asked: Asked<ReceiveStock>[]): Promise<Outcome<Item>[]> {
    const items = await this.items.forUpdate(tx, [...new Set(asked.map((a) => a.command.sku))]);
    const changes = new Map<string, Change>();
    const outcomes = asked.map(({ command }) => received(command, items.get(command.sku), changes));
    const at = await this.items.change(tx, [...changes.values()]);
    outcomes.forEach((item, i) => {
      if (item instanceof Failure) return;
      item.updatedAt = at.get(item.sku)!;
      this.outbox.publish(tx, StockReceived, [item], asked[i]!.trace);
    });
    return outcomes;
  }
}

/** Adds to the item in hand and to its sum; answers the item as it is after this receipt. */
function received(
  { sku, quantity }: ReceiveStock,
  item: Item | undefined,
  changes: Map<string, Change>,
): Outcome<Item> {
  if (!item) return itemNotFound(sku);
  if (item.available + item.reserved + item.sold + quantity > MOST_RECEIVED) return tooMuchStock(sku);
  const change = changes.get(sku) ?? { sku, available: 0, reserved: 0, sold: 0, received: 0, version: 0 };
  changes.set(sku, change);
  for (const sum of [change, item]) {
    sum.available += quantity;
    sum.version += 1;
  }
  change.received += quantity;
  return { ...item };
}
