import type { QueryReception } from '../gates/amqp/command-reception.js';
import type { Asked } from '../gates/asked.js';
import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { type Order, OrderCancelled, OrderConfirmed, OrderRejected } from '../orders/index.js';
import { ListNotifications } from './list-notifications.js';
import { NotificationsUseCases } from './notifications.use-cases.js';
import { WriteNotification } from './write-notification.js';

/** Notifications over RabbitMQ: the world's queries, and what the other modules say happened. */
@Receiver('notifications')
export class NotificationsAmqpController {
  constructor(
    private readonly on: NotificationsUseCases,
    private readonly writeNotification: WriteNotification,
  ) {}

  @Receives(ListNotifications)
  list(set: Asked<ListNotifications>[], { ask }: QueryReception) {
    return ask(this.on.listNotifications, set);
  }

  @Receives(OrderConfirmed, OrderRejected, OrderCancelled)
  write(set: Message<Order>[], { tx }: Reception) {
    return this.writeNotification.handle(tx, set);
  }
}
