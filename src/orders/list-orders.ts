import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Tx } from '../database/transaction.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { OneOf, Optional, PageSize, PageToken, Text } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import { ORDER_STATES, type Order, type OrderState } from './index.js';
import { OrdersRepository } from './orders.repository.js';
import { OrderSchema } from './orders.schema.js';
import { Failure } from '../failure.js';

/** Asks for orders, newest first. */
@Operation({ name: 'orders.list', scope: 'orders:read', kind: 'query', customerId: 'narrows' })
export class ListOrders {
  /** Only this customer's; a customer's own token sees no other. */
  @Optional() @Text(128) customerId?: string;
  @Optional() @OneOf(ORDER_STATES) state?: OrderState;
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

export interface OrderPage {
  orders: Order[];
  /** Not there on the last page. */
  nextPageToken?: string;
}

const PAGE = 50;

/** Where a page ends: the time is the database's own, so that clocks of several houses cannot hide an order. */
const PLACE = '(SELECT b.created_at, b.id FROM orders.orders b WHERE b.id = :after)';

@Injectable()
export class ListOrdersHandler implements UseCase<ListOrders, OrderPage> {
  constructor(
    private readonly database: Database,
    private readonly orders: OrdersRepository,
  ) {}

  /** One after the other: a set of lists must not take the whole pool. */
  async handle(tx: Tx, asked: Asked<ListOrders>[]): Promise<Outcome<OrderPage>[]> {
    const pages: Outcome<OrderPage>[] = [];
    for (const one of asked) pages.push(await this.page(tx, one).catch(refusal));
    return pages;
  }

  private async page(tx: Tx, { command, by }: Asked<ListOrders>): Promise<OrderPage> {
    const customerId = by.customerId ?? command.customerId;
    const size = command.pageSize ?? PAGE;
    const after = decodePage(command, command.pageToken)?.[0];
    const found = this.database.dataSource.getRepository(OrderSchema).createQueryBuilder('o').select('o.id', 'id');
    if (customerId) found.andWhere('o.customerId = :customerId', { customerId });
    if (command.state) found.andWhere('o.state = :state', { state: command.state });
    if (after) found.andWhere(`(o.createdAt, o.id) < ${PLACE}`, { after });
    const ids = (
      await found
        .orderBy('o.createdAt', 'DESC')
        .addOrderBy('o.id', 'DESC')
        .limit(size + 1)
        .getRawMany<{ id: string }>()
    ).map((row) => row.id);
    const orders = await this.orders.find(tx, ids.slice(0, size));
    return {
      orders: ids.slice(0, size).flatMap((id) => orders.get(id) ?? []),
      ...(ids.length > size && { nextPageToken: encodePage(command, [ids[size - 1]!]) }),
    };
  }
}

const refusal = (error: unknown): Failure => {
  if (error instanceof Failure) return error;
  throw error;
};
