import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { GetOrderHandler } from './get-order.js';
import { Failure } from '../failure.js';
import { OrdersRepository, type TimelineView } from './orders.repository.js';

/** Asks what happened to one order, from the first entry to the last. */
@Operation({ name: 'orders.timeline', scope: 'orders:read', kind: 'query', refuses: ['order-not-found'] })
export class GetTimeline {
  @Id() id!: string;
}

export interface Timeline {
  entries: TimelineView[];
}

@Injectable()
export class GetTimelineHandler implements UseCase<GetTimeline, Timeline> {
  constructor(
    private readonly orders: OrdersRepository,
    private readonly getOrder: GetOrderHandler,
  ) {}

  async handle(tx: Tx, asked: Asked<GetTimeline>[]): Promise<Outcome<Timeline>[]> {
    const orders = await this.getOrder.handle(tx, asked);
    const visible = orders.flatMap((order) => (order instanceof Failure ? [] : [order.id]));
    const timelines = await this.orders.timelines(tx, [...new Set(visible)]);
    return orders.map((order) => (order instanceof Failure ? order : { entries: timelines.get(order.id) ?? [] }));
  }
}
