import type { CommandReception, QueryReception } from '../gates/amqp/command-reception.js';
import type { Answer, Asked } from '../gates/asked.js';
import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { AdvanceOrder, MOVING } from './advance-order.js';
import { CancelOrder } from './cancel-order.js';
import { GetOrder } from './get-order.js';
import { GetTimeline } from './get-timeline.js';
import type { Order } from './index.js';
import { ListOrders } from './list-orders.js';
import { Endings } from './live/endings.js';
import { OrdersUseCases } from './orders.use-cases.js';
import { PlaceOrder } from './place-order.js';

/** Orders over RabbitMQ: the world's commands and queries, and what the other modules say happened. */
@Receiver('orders')
export class OrdersAmqpController {
  constructor(
    private readonly on: OrdersUseCases,
    private readonly advanceOrder: AdvanceOrder,
    private readonly endings: Endings,
  ) {}

  private readonly patience = (asked: Asked<object>, answer: Promise<Answer<Order>>) =>
    this.endings.awaited(asked, answer);

  @Receives(PlaceOrder)
  place(set: Asked<PlaceOrder>[], { run }: CommandReception) {
    return run(this.on.placeOrder, set, this.patience);
  }

  @Receives(CancelOrder)
  cancel(set: Asked<CancelOrder>[], { run }: CommandReception) {
    return run(this.on.cancelOrder, set);
  }

  @Receives(GetOrder)
  get(set: Asked<GetOrder>[], { ask }: QueryReception) {
    return ask(this.on.getOrder, set, this.patience);
  }

  @Receives(ListOrders)
  list(set: Asked<ListOrders>[], { ask }: QueryReception) {
    return ask(this.on.listOrders, set);
  }

  @Receives(GetTimeline)
  timeline(set: Asked<GetTimeline>[], { ask }: QueryReception) {
    return ask(this.on.getTimeline, set);
  }

  @Receives(...MOVING)
  advance(set: Message<{ orderId: string; reason?: string }>[], { tx }: Reception) {
    return this.advanceOrder.handle(tx, set);
  }
}
