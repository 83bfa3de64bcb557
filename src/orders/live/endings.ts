import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { Failure } from '../../failure.js';
import type { Answer, Asked } from '../../gates/asked.js';
import { Streams } from '../../gates/live/streams.js';
import type { Order, OrderState } from '../index.js';
import { OrdersRepository } from '../orders.repository.js';
import type { Listener } from './followers.js';
import type { OrderUpdate } from './order-update.js';
import { Tail } from './tail.js';

const ENDS: readonly OrderState[] = ['CONFIRMED', 'REJECTED', 'CANCELLED'];

/** Callers who would rather wait for the end of an order (`Prefer: wait`). All of them follow the feed as one. */
@Injectable()
export class Endings implements Listener {
  private readonly waiting = new Map<string, Set<(order?: Order) => void>>();
  private fresh: string[] = [];
  private leaving = false;

  constructor(
    private readonly tail: Tail,
    private readonly orders: OrdersRepository,
    private readonly database: Database,
    streams: Streams,
  ) {
    streams.onLeave(() => this.leave());
  }

  /**
   * The answer about an order, given when the order is CONFIRMED, REJECTED or CANCELLED, or after as many seconds as the
   * caller would wait. The work has been done or begun: only the answer waits.
   */
  async awaited(asked: Asked<object>, answer: Promise<Answer<Order>>): Promise<Answer<Order>> {
    const given = await answer;
    if (asked.wait === undefined || given.outcome instanceof Failure) return given;
    const outcome = await this.endOf(given.outcome, asked.wait);
    return { ...given, outcome, applied: `wait=${asked.wait}` };
  }

  take({ entry: { order } }: OrderUpdate): void {
    if (ENDS.includes(order.state)) this.settle(order.id, order);
  }

  private async endOf(order: Order, seconds: number): Promise<Order> {
    if (ENDS.includes(order.state) || seconds === 0 || this.leaving) return order;
    const ended = await new Promise<Order | undefined>((resolve) => {
      const timer = setTimeout(() => this.forget(order.id, answer), seconds * 1_000);
      const answer = (found?: Order): void => {
        clearTimeout(timer);
        resolve(found);
      };
      const others = this.waiting.get(order.id);
      if (others) others.add(answer);
      else this.waiting.set(order.id, new Set([answer]));
      this.join(order.id);
    });
    return ended ?? (await this.now([order.id]))?.get(order.id) ?? order;
  }

  /** Those who come in one turn of the event loop join together. What happened before they joined is looked up. */
  private join(id: string): void {
    if (this.fresh.push(id) > 1) return;
    setImmediate(() => {
      const ids = this.fresh.splice(0);
      void this.tail
        .follow({ orders: ids }, this)
        .then(() => this.now(ids))
        .then((found) => found?.forEach((order) => ENDS.includes(order.state) && this.settle(order.id, order)));
    });
  }

  private forget(id: string, answer: (order?: Order) => void): void {
    const waiting = this.waiting.get(id);
    waiting?.delete(answer);
    if (waiting?.size === 0) this.settle(id);
    answer();
  }

  private settle(id: string, order?: Order): void {
    for (const answer of this.waiting.get(id) ?? []) answer(order);
    this.waiting.delete(id);
    this.tail.unfollow({ orders: [id] }, this);
  }

  /** The database away: the caller gets the order as it was when it was last seen. */
  private now(ids: string[]): Promise<Map<string, Order> | undefined> {
    return this.database.read((tx) => this.orders.find(tx, ids)).catch(() => undefined);
  }

  private leave(): void {
    this.leaving = true;
    for (const id of [...this.waiting.keys()]) this.settle(id);
  }
}
