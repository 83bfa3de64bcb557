import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { GrpcReplies } from '../gates/grpc/replies.js';
import { Input } from '../gates/input.decorator.js';
import { CancelOrder } from './cancel-order.js';
import { GetOrder } from './get-order.js';
import { GetTimeline } from './get-timeline.js';
import { ListOrders } from './list-orders.js';
import { Endings } from './live/endings.js';
import { OrdersUseCases } from './orders.use-cases.js';
import { PlaceOrder } from './place-order.js';

/** Orders over gRPC. */
@Controller()
@UseInterceptors(GrpcReplies)
export class OrdersGrpcController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: OrdersUseCases,
    private readonly endings: Endings,
  ) {}

  @GrpcMethod('OrdersService', 'PlaceOrder')
  place(@Input(PlaceOrder) asked: Asked<PlaceOrder>) {
    return this.endings.awaited(asked, this.gatherer.gather(this.on.placeOrder, asked));
  }

  @GrpcMethod('OrdersService', 'CancelOrder')
  cancel(@Input(CancelOrder) asked: Asked<CancelOrder>) {
    return this.gatherer.gather(this.on.cancelOrder, asked);
  }

  @GrpcMethod('OrdersService', 'GetOrder')
  get(@Input(GetOrder) asked: Asked<GetOrder>) {
    return this.endings.awaited(asked, this.gatherer.gather(this.on.getOrder, asked));
  }

  @GrpcMethod('OrdersService', 'ListOrders')
  list(@Input(ListOrders) asked: Asked<ListOrders>) {
    return this.gatherer.gather(this.on.listOrders, asked);
  }

  @GrpcMethod('OrdersService', 'GetTimeline')
  timeline(@Input(GetTimeline) asked: Asked<GetTimeline>) {
    return this.gatherer.gather(this.on.getTimeline, asked);
  }
}
