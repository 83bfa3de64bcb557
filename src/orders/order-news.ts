import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { MessageClass } from '../messaging/contract.js';
import { Outbox } from '../messaging/outbox/outbox.js';
import { Timers } from '../messaging/timers.js';
import { AuthorisePayment, CapturePayment, UndoPayment } from '../payments/index.js';
import { ReserveStock, SellStock, UndoStock } from '../inventory/index.js';
import {
  type Order,
  OrderAuthorised,
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  OrderRejected,
  OrderReserved,
  OrderStalled,
} from './index.js';
import type { PlacedOrder, TimelineEntry } from './order.js';
import { OrdersOptions } from './orders.options.js';
import type { Instruction, TimelineType } from './story.js';

/** The command each instruction of the story becomes. */
const COMMANDS: Record<Instruction, [MessageClass, (order: Order) => object]> = {
  authorise: [
    AuthorisePayment,
    ({ id, customerId, currency, total, paymentMethod }) => ({
      orderId: id,
      customerId,
      currency,
      amount: total,
      paymentMethod,
    }),
  ],
  reserve: [
    ReserveStock,
    ({ id, lines }) => ({ orderId: id, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }),
  ],
  capture: [CapturePayment, ({ id }) => ({ orderId: id })],
  sell: [SellStock, ({ id }) => ({ orderId: id })],
  'undo-payment': [UndoPayment, ({ id }) => ({ orderId: id })],
  'undo-stock': [UndoStock, ({ id }) => ({ orderId: id })],
};

/** The event that tells the world of a timeline entry; what has none is between the modules. */
const EVENTS: Partial<Record<TimelineType, MessageClass<Order>>> = {
  'order-placed': OrderPlaced,
  'order-authorised': OrderAuthorised,
  'order-reserved': OrderReserved,
  'order-confirmed': OrderConfirmed,
  'order-rejected': OrderRejected,
  'order-cancelled': OrderCancelled,
};

/** What one order's step sends and tells. */
export interface Announcement {
  order: PlacedOrder;
  send: Instruction[];
  entries: TimelineEntry[];
  /** The `traceparent` of what moved it. */
  trace?: string;
}

/** The news of orders: commands to the other modules, events to the world, and the timer that looks after an order. */
@Injectable()
export class OrderNews {
  constructor(
    private readonly outbox: Outbox,
    private readonly timers: Timers,
    private readonly options: OrdersOptions,
  ) {}

  /** Sends what the story told orders to send, and publishes what happened to them. */
  announce(tx: Tx, announcements: Announcement[]): void {
    for (const { order, send, entries, trace } of announcements) {
      for (const instruction of send) {
        const [type, body] = COMMANDS[instruction];
        this.outbox.send(tx, type, [body(order.view)], trace);
      }
      for (const entry of entries) {
        const event = EVENTS[entry.type];
        if (event) this.outbox.publish(tx, event, [order.view], trace);
      }
    }
  }

  /** Looks at these orders again if they have not ended in time. */
  watch(tx: Tx, watched: Pick<Announcement, 'order' | 'trace'>[]): void {
    const seconds = this.options.stalledHours * 3_600;
    for (const { order, trace } of watched)
      this.timers.set(tx, OrderStalled, [{ orderId: order.view.id }], seconds, trace);
  }
}
