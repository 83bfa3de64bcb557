import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Principal } from '../access/principal.js';
import { Failure, type FieldViolation, invalid } from '../failure.js';
import type { Asked, UseCase } from '../gates/asked.js';
import { Currency, Email, ListOf, OneOf, Optional, Quantity, Sku, Text } from '../gates/fields.js';
import { notYourCustomerId } from '../gates/customer-id.js';
import { Operation } from '../gates/operation.js';
import { newId } from '../id.js';
import type { Quote } from '../inventory/index.js';
import { Catalogue } from './catalogue/catalogue.js';
import type { Order, OrderLine } from './index.js';
import { type Announcement, OrderNews } from './order-news.js';
import { entriesOf, PlacedOrder } from './order.js';
import { currencyMismatch, totalTooLarge, unknownSku } from './orders.failures.js';
import { OrdersRepository } from './orders.repository.js';

export class OrderedLine {
  @Sku() sku!: string;
  @Quantity() quantity!: number;
}

/** Asks for an order. Prices are the server's; at most 100 lines, one for each SKU. */
@Operation({
  name: 'orders.place',
  scope: 'orders:write',
  kind: 'command',
  customerId: 'needed',
  refuses: ['unknown-sku', 'currency-mismatch', 'total-too-large', 'not-your-customer-id', 'prices-unavailable'],
})
export class PlaceOrder {
  /** Who buys. Only a customer's own token may leave it out, and then it is that customer. */
  @Optional() @Text(128) customerId?: string;
  @Email() email!: string;
  @Currency() currency!: string;
  @ListOf(() => OrderedLine, 100, 'sku') lines!: OrderedLine[];
  @Text(64) paymentMethod!: string;
  @Optional() @OneOf(['en', 'ja']) locale?: 'en' | 'ja';
  @Optional() @Text(2_000, { lines: true }) note?: string;
}

const LARGEST_TOTAL = 10 ** 12;

/** Places orders: quotes them outside, then stores them and asks for their payment. */
@Injectable()
export class PlaceOrderHandler implements UseCase<PlaceOrder, Order, OrderLine[]> {
  constructor(
    private readonly orders: OrdersRepository,
    private readonly catalogue: Catalogue,
    private readonly news: OrderNews,
  ) {}

  async prepare(asked: Asked<PlaceOrder>[]): Promise<(OrderLine[] | Failure)[]> {
    const skus = asked.flatMap(({ command }) => command.lines.map((line) => line.sku));
    const quotes = await this.catalogue.quote(skus, asked);
    return asked.map(({ command, by }) => notForThisCustomer(command, by) ?? priced(command, quotes));
  }

  async handle(tx: Tx, asked: Asked<PlaceOrder>[], priced: OrderLine[][]): Promise<Order[]> {
    const orders = asked.map((call, i) => new PlacedOrder(placed(call, priced[i]!)));
    const news = orders.map((order, i): Announcement => {
      return { order, send: ['authorise'], entries: [order.placed()], trace: asked[i]!.trace };
    });
    await this.orders.add(tx, orders, entriesOf(news));
    this.news.announce(tx, news);
    this.news.watch(tx, news);
    return orders.map((order) => order.view);
  }
}

/** Admission saw to it already, but not for a command that an operator put back with other contents. */
function notForThisCustomer({ customerId }: PlaceOrder, by: Principal): Failure | undefined {
  if (customerId === undefined) return invalid([{ field: 'customerId', message: 'is required' }]);
  return by.customerId !== undefined && by.customerId !== customerId ? notYourCustomerId() : undefined;
}

function priced({ lines, currency }: PlaceOrder, quotes: Map<string, Quote>): OrderLine[] | Failure {
  const wrong = (problem: (quote: Quote | undefined) => string | undefined): FieldViolation[] =>
    lines.flatMap(({ sku }, i) => {
      const message = problem(quotes.get(sku));
      return message ? [{ field: `lines[${i}].sku`, message }] : [];
    });
  const unknown = wrong((quote) => (quote ? undefined : 'there is no such item'));
  if (unknown.length > 0) return unknownSku(unknown);
  const foreign = wrong((quote) => (quote!.currency === currency ? undefined : `is sold in ${quote!.currency}`));
  if (foreign.length > 0) return currencyMismatch(foreign);
  const done = lines.map(({ sku, quantity }) => {
    const { name, unitPrice } = quotes.get(sku)!;
    return { sku, name, quantity, unitPrice, amount: unitPrice * quantity };
  });
  return totalOf(done) > LARGEST_TOTAL ? totalTooLarge() : done;
}

const totalOf = (lines: OrderLine[]): number => lines.reduce((sum, line) => sum + line.amount, 0);

const placed = ({ id, command }: Asked<PlaceOrder>, lines: OrderLine[]): Order => ({
  id: newId('ord', id),
  state: 'PLACED',
  customerId: command.customerId!,
  email: command.email,
  currency: command.currency,
  lines,
  total: totalOf(lines),
  paymentMethod: command.paymentMethod,
  locale: command.locale ?? 'en',
  ...(command.note !== undefined && { note: command.note }),
  version: 1,
  createdAt: '',
  updatedAt: '',
});
