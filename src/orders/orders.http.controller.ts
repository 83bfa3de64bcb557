import { Controller, Get, Post } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { Replies } from '../gates/http/replies.js';
import { Input } from '../gates/input.decorator.js';
import { CancelOrder } from './cancel-order.js';
import { GetOrder } from './get-order.js';
import { GetTimeline } from './get-timeline.js';
import type { Order } from './index.js';
import { ListOrders } from './list-orders.js';
import { Endings } from './live/endings.js';
import { OrdersUseCases } from './orders.use-cases.js';
import { PlaceOrder } from './place-order.js';

const location = (order: Order): string => `/v1/orders/${order.id}`;
const etag = (order: Order): number => order.version;

/** Orders over REST. */
@Controller('v1/orders')
export class OrdersHttpController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: OrdersUseCases,
    private readonly endings: Endings,
  ) {}

  @Post()
  @Replies<Order>({ status: 202, location, waits: true })
  place(@Input(PlaceOrder) asked: Asked<PlaceOrder>) {
    return this.endings.awaited(asked, this.gatherer.gather(this.on.placeOrder, asked));
  }

  @Post(':id/cancellation')
  @Replies<Order>({ status: 202 })
  cancel(@Input(CancelOrder) asked: Asked<CancelOrder>) {
    return this.gatherer.gather(this.on.cancelOrder, asked);
  }

  @Get(':id')
  @Replies<Order>({ etag, waits: true })
  get(@Input(GetOrder) asked: Asked<GetOrder>) {
    return this.endings.awaited(asked, this.gatherer.gather(this.on.getOrder, asked));
  }

  @Get()
  list(@Input(ListOrders) asked: Asked<ListOrders>) {
    return this.gatherer.gather(this.on.listOrders, asked);
  }

  @Get(':id/timeline')
  timeline(@Input(GetTimeline) asked: Asked<GetTimeline>) {
    return this.gatherer.gather(this.on.getTimeline, asked);
  }
}
