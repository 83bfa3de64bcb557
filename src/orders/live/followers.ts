import type { Interests } from './feed-reader.js';
import type { OrderUpdate } from './order-update.js';

/** Whoever is told of updates, in the order of the feed. It must not throw. */
export interface Listener {
  take(update: OrderUpdate): void;
}

/** What one listener follows: single orders, all of one customer, or everything. */
export interface Wants {
  orders?: Iterable<string>;
  customer?: string;
  everything?: boolean;
}

/** With more single orders than these, telling the database which costs more than looking at all that happens. */
const NAMED_AT_MOST = 5_000;

/** Who follows what in this process. */
export class Followers {
  private readonly byOrder = new Map<string, Set<Listener>>();
  private readonly byCustomer = new Map<string, Set<Listener>>();
  private readonly ofEverything = new Set<Listener>();

  get isEmpty(): boolean {
    return this.byOrder.size + this.byCustomer.size + this.ofEverything.size === 0;
  }

  add({ orders = [], customer, everything }: Wants, listener: Listener): void {
    for (const id of orders) enter(this.byOrder, id, listener);
    if (customer !== undefined) enter(this.byCustomer, customer, listener);
    if (everything) this.ofEverything.add(listener);
  }

  remove({ orders = [], customer, everything }: Wants, listener: Listener): void {
    for (const id of orders) leave(this.byOrder, id, listener);
    if (customer !== undefined) leave(this.byCustomer, customer, listener);
    if (everything) this.ofEverything.delete(listener);
  }

  /** What all of them together want to hear of. */
  interests(): Interests {
    const everything = this.ofEverything.size > 0 || this.byOrder.size > NAMED_AT_MOST;
    return {
      orders: everything ? [] : [...this.byOrder.keys()],
      customers: everything ? [] : [...this.byCustomer.keys()],
      everything,
    };
  }

  /** Tells each of them once, for whatever reason it wants to know. */
  tell(update: OrderUpdate): void {
    const { id, customerId } = update.entry.order;
    const told = new Set<Listener>([
      ...(this.byOrder.get(id) ?? []),
      ...(this.byCustomer.get(customerId) ?? []),
      ...this.ofEverything,
    ]);
    for (const listener of told) listener.take(update);
  }
}

function enter(map: Map<string, Set<Listener>>, key: string, listener: Listener): void {
  const known = map.get(key);
  if (known) known.add(listener);
  else map.set(key, new Set([listener]));
}

function leave(map: Map<string, Set<Listener>>, key: string, listener: Listener): void {
  const known = map.get(key);
  known?.delete(listener);
  if (known?.size === 0) map.delete(key);
}
