import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import type { Order } from './index.js';
import { orderNotFound } from './orders.failures.js';
import { OrdersRepository } from './orders.repository.js';

/** Asks for one order. */
@Operation({ name: 'orders.get', scope: 'orders:read', kind: 'query', refuses: ['order-not-found'] })
export class GetOrder {
  @Id() id!: string;
}

@Injectable()
export class GetOrderHandler implements UseCase<GetOrder, Order> {
  constructor(private readonly orders: OrdersRepository) {}

  async handle(tx: Tx, asked: Asked<GetOrder>[]): Promise<Outcome<Order>[]> {
    const found = await this.orders.find(tx, [...new Set(asked.map((a) => a.command.id))]);
    return asked.map(({ command, by }) => {
      const order = found.get(command.id);
      const hidden = by.customerId !== undefined && by.customerId !== order?.customerId;
      return order && !hidden ? order : orderNotFound(command.id);
    });
  }
}
