import { Inject, Injectable } from '@nestjs/common';
import { CancelOrderHandler } from './cancel-order.js';
import { GetOrderHandler } from './get-order.js';
import { GetTimelineHandler } from './get-timeline.js';
import { ListOrdersHandler } from './list-orders.js';
import { PlaceOrderHandler } from './place-order.js';

/** Everything orders can be asked, by name. */
@Injectable()
export class OrdersUseCases {
  @Inject() readonly placeOrder!: PlaceOrderHandler;
  @Inject() readonly cancelOrder!: CancelOrderHandler;
  @Inject() readonly getOrder!: GetOrderHandler;
  @Inject() readonly listOrders!: ListOrdersHandler;
  @Inject() readonly getTimeline!: GetTimelineHandler;
}
