import type { CommandReception } from '../gates/amqp/command-reception.js';
import type { Asked } from '../gates/asked.js';
import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { AdvanceOrder, MOVING } from './advance-order.js';
import { CancelOrder } from './cancel-order.js';
import { OrdersUseCases } from './orders.use-cases.js';
import { PlaceOrder } from './place-order.js';

/** Orders over RabbitMQ: the world's commands, and what the other modules say happened. */
@Receiver('orders')
export class OrdersAmqpController {
  constructor(
    private readonly on: OrdersUseCases,
    private readonly advanceOrder: AdvanceOrder,
  ) {}

  @Receives(PlaceOrder)
  place(set: Asked<PlaceOrder>[], { run }: CommandReception) {
    return run(this.on.placeOrder, set);
  }

  @Receives(CancelOrder)
  cancel(set: Asked<CancelOrder>[], { run }: CommandReception) {
    return run(this.on.cancelOrder, set);
  }

  @Receives(...MOVING)
  advance(set: Message<{ orderId: string; reason?: string }>[], { tx }: Reception) {
    return this.advanceOrder.handle(tx, set);
  }
}
