import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import type { Principal } from '../access/principal.js';
import type { Order } from './index.js';
import { OrderNews } from './order-news.js';
import { entriesOf, type PlacedOrder, type Told } from './order.js';
import { orderNotFound } from './orders.failures.js';
import { OrdersOptions } from './orders.options.js';
import { OrdersRepository } from './orders.repository.js';

/** Asks that an order be as if it had never been: its money goes back and its goods. */
@Operation({
  name: 'orders.cancel',
  scope: 'orders:write',
  kind: 'command',
  refuses: ['order-not-found', 'cancel-window-over', 'order-not-cancellable'],
})
export class CancelOrder {
  @Id() id!: string;
}

/** Cancels orders, where their state allows it; asking again changes nothing. */
@Injectable()
export class CancelOrderHandler implements UseCase<CancelOrder, Order> {
  constructor(
    private readonly orders: OrdersRepository,
    private readonly news: OrderNews,
    private readonly options: OrdersOptions,
  ) {}

  async handle(tx: Tx, asked: Asked<CancelOrder>[]): Promise<Outcome<Order>[]> {
    const ids = [...new Set(asked.map((a) => a.command.id))];
    const orders = await this.orders.forUpdate(tx, ids, this.options.cancelWindowHours);
    const told: (Told & { order: PlacedOrder; trace?: string })[] = [];
    const outcomes = asked.map(({ command, by, trace }): Order | Failure => {
      const order = orders.get(command.id);
      if (!order || !mayTouch(by, order)) return orderNotFound(command.id);
      const answer = order.tell('cancel', by.scopes.has('ops') ? 'cancelled-by-operator' : 'cancelled-by-customer');
      if (answer.refused) return answer.refused;
      told.push({ ...answer, order, trace });
      return order.view;
    });
    const changed = told.filter((t) => t.changed);
    await this.orders.update(
      tx,
      changed.map((t) => t.order),
      entriesOf(changed),
    );
    this.news.announce(tx, changed);
    return outcomes;
  }
}

/** A customer's own token reaches that customer's orders; every other order is not found. */
const mayTouch = (by: Principal, order: PlacedOrder): boolean =>
  !by.customerId || by.customerId === order.view.customerId;
