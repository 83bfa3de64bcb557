import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { type Order, OrderCancelled, OrderConfirmed, OrderRejected } from '../orders/index.js';
import { WriteNotification } from './write-notification.js';

/** What notifications hears from the other modules. */
@Receiver('notifications')
export class NotificationsAmqpController {
  constructor(private readonly writeNotification: WriteNotification) {}

  @Receives(OrderConfirmed, OrderRejected, OrderCancelled)
  write(set: Message<Order>[], { tx }: Reception) {
    return this.writeNotification.handle(tx, set);
  }
}
