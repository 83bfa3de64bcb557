import { type DynamicModule, Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { AdvanceOrder } from './advance-order.js';
import { CancelOrderHandler } from './cancel-order.js';
import { Catalogue } from './catalogue/catalogue.js';
import { GetOrderHandler } from './get-order.js';
import { GetTimelineHandler } from './get-timeline.js';
import { ListOrdersHandler } from './list-orders.js';
import { Endings } from './live/endings.js';
import { Feed } from './live/feed.js';
import { FeedReader } from './live/feed-reader.js';
import { Live } from './live/live.js';
import { LiveGrpcController } from './live/live.grpc.controller.js';
import { LiveHttpController } from './live/live.http.controller.js';
import { LiveSocket } from './live/live.socket.js';
import { Tail } from './live/tail.js';
import { TrackOrdersHandler } from './live/track-orders.js';
import { TrackOrdersStream } from './live/track-orders.grpc.js';
import { WatchOrderHandler } from './live/watch-order.js';
import { OrdersAmqpController } from './orders.amqp.controller.js';
import { OrdersGrpcController } from './orders.grpc.controller.js';
import { OrdersHttpController } from './orders.http.controller.js';
import { OrdersOptions } from './orders.options.js';
import { OrdersRepository } from './orders.repository.js';
import { OrdersUseCases } from './orders.use-cases.js';
import { OrderNews } from './order-news.js';
import { PlaceOrderHandler } from './place-order.js';

/** The orders module; it is told its options and where prices are asked. */
@Module({
  imports: [MessagingModule.for('orders'), GatesModule.for('orders')],
  controllers: [
    OrdersHttpController,
    LiveHttpController,
    OrdersGrpcController,
    LiveGrpcController,
    OrdersAmqpController,
  ],
  providers: [
    OrdersRepository,
    OrdersUseCases,
    PlaceOrderHandler,
    OrderNews,
    CancelOrderHandler,
    GetOrderHandler,
    ListOrdersHandler,
    GetTimelineHandler,
    AdvanceOrder,
    Feed,
    FeedReader,
    Tail,
    Live,
    WatchOrderHandler,
    TrackOrdersHandler,
    TrackOrdersStream,
    LiveSocket,
    Endings,
  ],
})
export class OrdersModule {
  static forRoot(options: OrdersOptions, catalogue: CatalogueSource): DynamicModule {
    return {
      module: OrdersModule,
      imports: catalogue.imports,
      providers: [
        { provide: OrdersOptions, useValue: options },
        { provide: Catalogue, useFactory: catalogue.make, inject: catalogue.inject },
      ],
    };
  }
}

/** How the composition root gives orders its catalogue. */
export interface CatalogueSource {
  imports: DynamicModule['imports'];
  inject: NonNullable<Extract<NonNullable<DynamicModule['providers']>[number], { inject?: unknown }>['inject']>;
  make: (...from: never[]) => Catalogue;
}
