import { Injectable, Logger } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Failure } from '../failure.js';
import { StockRefused, StockReserved, StockSold, StockUndone } from '../inventory/index.js';
import { about } from '../messaging/about.js';
import { type MessageClass, messageOf } from '../messaging/contract.js';
import type { Message } from '../messaging/message.js';
import {
  CaptureRefused,
  PaymentAuthorised,
  PaymentCaptured,
  PaymentDeclined,
  PaymentFailed,
  PaymentUndone,
  RefundSettled,
} from '../payments/index.js';
import { OrderStalled } from './index.js';
import { OrderNews } from './order-news.js';
import { entriesOf, type PlacedOrder, type Told } from './order.js';
import { orderNotFound } from './orders.failures.js';
import { OrdersOptions } from './orders.options.js';
import { OrdersRepository } from './orders.repository.js';
import type { Happening } from './story.js';

/** What each message means to an order. */
const MEANS = new Map<MessageClass, Happening>([
  [PaymentAuthorised, 'payment-authorised'],
  [PaymentDeclined, 'payment-declined'],
  [PaymentFailed, 'payment-declined'],
  [PaymentCaptured, 'payment-captured'],
  [CaptureRefused, 'capture-refused'],
  [PaymentUndone, 'payment-undone'],
  [RefundSettled, 'refund-settled'],
  [StockReserved, 'stock-reserved'],
  [StockRefused, 'stock-refused'],
  // Not sent inside the house today (decision 0005); its cells stand ready.
  [StockSold, 'stock-sold'],
  [StockUndone, 'stock-undone'],
  [OrderStalled, 'stalled'],
]);

const HAPPENINGS = new Map([...MEANS].map(([type, happening]) => [messageOf(type).type, happening]));

/** The messages that move an order. */
export const MOVING = [...MEANS.keys()];

interface Moved extends Told {
  order: PlacedOrder;
  happening: Happening;
  trace?: string;
}

/** Tells orders what the other modules say happened to them, and sends on what the story says comes next. */
@Injectable()
export class AdvanceOrder {
  private readonly logger = new Logger('Orders');

  constructor(
    private readonly orders: OrdersRepository,
    private readonly news: OrderNews,
    private readonly options: OrdersOptions,
  ) {}

  async handle(tx: Tx, messages: Message<{ orderId: string; reason?: string }>[]): Promise<(Failure | undefined)[]> {
    const orders = await this.orders.forUpdate(
      tx,
      messages.map((m) => m.body.orderId),
      this.options.cancelWindowHours,
    );
    const moved: Moved[] = [];
    const outcomes = messages.map(({ id, type, key, body, trace }) => {
      const order = orders.get(body.orderId);
      if (!order) return orderNotFound(body.orderId);
      const happening = HAPPENINGS.get(type)!;
      const told = order.tell(happening, body.reason ?? 'payment-declined');
      if (told.alarm || told.refused)
        this.logger.error(
          `${order.view.id} ${order.state}, ${happening}: ${told.alarm ?? told.refused!.message}`,
          about({ id, key, trace }),
        );
      if (!told.refused) moved.push({ ...told, order, happening, trace });
      return told.refused;
    });
    await this.write(tx, moved);
    return outcomes;
  }

  private async write(tx: Tx, moved: Moved[]): Promise<void> {
    const changed = moved.filter((m) => m.changed);
    await this.orders.update(
      tx,
      changed.map((m) => m.order),
      entriesOf(changed),
    );
    this.news.announce(tx, moved);
    const stalled = moved.filter((m) => m.happening === 'stalled' && m.send.length > 0);
    this.news.watch(tx, stalled);
  }
}
