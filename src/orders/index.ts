import { Command, Event } from '../messaging/contract.js';

export const ORDER_STATES = [
  'PLACED',
  'AUTHORISED',
  'RESERVED',
  'CONFIRMED',
  'CLOSING',
  'REJECTED',
  'CANCELLED',
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** One line of an order, priced by the server when it was placed. */
export class OrderLine {
  sku!: string;
  name!: string;
  quantity!: number;
  unitPrice!: number;
  amount!: number;
}

/** An order. Amounts are integer minor units; times ISO 8601 UTC; `version` = number of timeline entries. */
export class Order {
  id!: string;
  state!: OrderState;
  customerId!: string;
  email!: string;
  currency!: string;
  lines!: OrderLine[];
  total!: number;
  /** Why it ended or is ending. */
  reason?: string;
  paymentMethod!: string;
  locale!: 'en' | 'ja';
  note?: string;
  version!: number;
  createdAt!: string;
  updatedAt!: string;
}

@Event('orders.order-placed.v1', { key: 'id' })
export class OrderPlaced extends Order {}

@Event('orders.order-authorised.v1', { key: 'id' })
export class OrderAuthorised extends Order {}

@Event('orders.order-reserved.v1', { key: 'id' })
export class OrderReserved extends Order {}

@Event('orders.order-confirmed.v1', { key: 'id', heard: true })
export class OrderConfirmed extends Order {}

@Event('orders.order-rejected.v1', { key: 'id', heard: true })
export class OrderRejected extends Order {}

@Event('orders.order-cancelled.v1', { key: 'id', heard: true })
export class OrderCancelled extends Order {}

/** The safety timer of an order that does not move: alarm, and the same command again. It never rejects. */
@Command('orders.stalled')
export class OrderStalled {
  orderId!: string;
}
