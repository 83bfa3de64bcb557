import type { Tx } from '../database/transaction.js';
import type { MessageClass } from '../messaging/contract.js';
import type { Outbox } from '../messaging/outbox.js';
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
} from './index.js';
import type { PlacedOrder, TimelineEntry } from './order.js';
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

/** Sends what the story told orders to send, and publishes what happened to them. */
export function announce(
  outbox: Outbox,
  tx: Tx,
  told: { order: PlacedOrder; send: Instruction[]; entries: TimelineEntry[] }[],
): void {
  for (const { order, send, entries } of told) {
    for (const instruction of send) {
      const [type, body] = COMMANDS[instruction];
      outbox.send(tx, type, [body(order.view)]);
    }
    for (const entry of entries) {
      const event = EVENTS[entry.type];
      if (event) outbox.publish(tx, event, [order.view]);
    }
  }
}
