import { Currency, Id, Instant, ListOf, Quantity, Sku, Text, UnitPrice, Whole } from '../gates/fields.js';
import { Command, Event } from '../messaging/contract.js';

const Pieces = (): PropertyDecorator => Whole(0, 10 ** 12);

/** A thing that is sold, and its stock: available + reserved + sold = received. Amounts are integer minor units. */
export class Item {
  @Sku() sku!: string;
  @Text(200) name!: string;
  @Currency() currency!: string;
  @UnitPrice() unitPrice!: number;
  @Pieces() available!: number;
  @Pieces() reserved!: number;
  @Pieces() sold!: number;
  @Pieces() version!: number;
  @Instant() updatedAt!: string;
}

export class StockLine {
  @Sku() sku!: string;
  @Quantity() quantity!: number;
}

/** What placing an order asks of an item. */
export type Quote = Pick<Item, 'sku' | 'name' | 'currency' | 'unitPrice'>;

/** Where quotes are asked of another process, and how many at once: with the longest names an answer is below 1 MiB. */
export const QUOTE_ITEMS = '/sanmon.inventory.internal.v1.QuotesService/QuoteItems';
export const QUOTED_AT_MOST = 1_000;

/** Commands: what inventory does when told. Each is all or nothing for its order. */
@Command('inventory.reserve')
export class ReserveStock {
  @Id() orderId!: string;
  @ListOf(() => StockLine, 100) lines!: StockLine[];
}

@Command('inventory.sell')
export class SellStock {
  @Id() orderId!: string;
}

/** Make it as if it had never been; leaves a tombstone when there is nothing yet. */
@Command('inventory.undo', { untiring: true })
export class UndoStock {
  @Id() orderId!: string;
}

/** What the events about an order's stock say. */
export class OrderStock {
  @Id() orderId!: string;
  @ListOf(() => StockLine, 100) lines!: StockLine[];
}

@Event('inventory.stock-reserved.v1', { heard: true })
export class StockReserved extends OrderStock {}

@Event('inventory.stock-refused.v1', { heard: true })
export class StockRefused extends OrderStock {}

/** Nobody in this house waits for it: the order was CONFIRMED when it asked for the sale. */
@Event('inventory.stock-sold.v1')
export class StockSold extends OrderStock {}

@Event('inventory.stock-released.v1')
export class StockReleased extends OrderStock {}

/** The answer to {@link UndoStock}: nothing is held or sold for the order. */
@Event('inventory.stock-undone.v1', { heard: true, published: false })
export class StockUndone {
  @Id() orderId!: string;
}

@Event('inventory.stock-received.v1', { key: 'sku' })
export class StockReceived extends Item {}

@Event('inventory.item-put.v1', { key: 'sku' })
export class ItemPut extends Item {}

export { QuoteItems } from './quote-items.js';
