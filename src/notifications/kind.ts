import { messageOf } from '../messaging/contract.js';
import { OrderCancelled, OrderConfirmed, OrderRejected } from '../orders/index.js';

/** What a customer is told of; of each order once each. */
export type Kind = 'CONFIRMED' | 'REJECTED' | 'CANCELLED';

const KINDS = new Map<string, Kind>([
  [messageOf(OrderConfirmed).type, 'CONFIRMED'],
  [messageOf(OrderRejected).type, 'REJECTED'],
  [messageOf(OrderCancelled).type, 'CANCELLED'],
]);

/** What an event tells a customer. The event decides, not the order's state in it. */
export function kindOf(type: string): Kind {
  const kind = KINDS.get(type);
  if (!kind) throw new Error(`${type} is told to nobody`);
  return kind;
}
