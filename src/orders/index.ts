import {
  Currency,
  Email,
  Id,
  Instant,
  ListOf,
  OneOf,
  Optional,
  Quantity,
  Sku,
  Text,
  UnitPrice,
  Whole,
} from '../gates/fields.js';
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

/** A sum in minor units; an order may cost nothing. */
const Sum = (): PropertyDecorator => Whole(0, 10 ** 12);

/** One line of an order, priced by the server when it was placed. */
export class OrderLine {
  @Sku() sku!: string;
  @Text(200) name!: string;
  @Quantity() quantity!: number;
  @UnitPrice() unitPrice!: number;
  @Sum() amount!: number;
}

/** An order. Amounts are integer minor units; times ISO 8601 UTC; `version` = number of timeline entries. */
export class Order {
  @Id() id!: string;
  @OneOf(ORDER_STATES) state!: OrderState;
  @Text(128) customerId!: string;
  @Email() email!: string;
  @Currency() currency!: string;
  @ListOf(() => OrderLine, 100) lines!: OrderLine[];
  @Sum() total!: number;
  /** Why it ended or is ending. */
  @Optional() @Text(200) reason?: string;
  @Text(64) paymentMethod!: string;
  @OneOf(['en', 'ja']) locale!: 'en' | 'ja';
  @Optional() @Text(2_000, { lines: true }) note?: string;
  @Whole(1, 10 ** 6) version!: number;
  @Instant() createdAt!: string;
  @Instant() updatedAt!: string;
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
  @Id() orderId!: string;
}
