import type { Principal } from '../../access/principal.js';
import type { Reader } from '../../gates/live/reader.js';
import type { FeedEntry } from './feed-reader.js';
import type { Listener, Wants } from './followers.js';
import type { Live, Start } from './live.js';
import { LAST, OrderUpdate } from './order-update.js';

/** Orders that one stream follows by their ids. */
export const FOLLOWED_AT_MOST = 1_000;
/** What may wait here while a reader is told what it missed. */
const HELD_AT_MOST = 2_000;
const AT_ONCE = 50;

/** What one stream follows. Its updates come in the order of the feed, each order's without gap or repetition. */
export class Following implements Listener {
  private readonly orders = new Set<string>();
  /** Those of them that have ended and were told to have. */
  private readonly ended = new Set<string>();
  private mine = false;
  /** Since when `mine` is told: what is older of an order that is tracked besides was not. */
  private mineAfter = Infinity;
  /** The highest position told. */
  private told = 0;
  /** Updates that wait until what was before them is told. */
  private held?: OrderUpdate[];

  constructor(
    private readonly live: Live,
    private readonly reader: Reader,
    private readonly by: Principal,
  ) {
    reader.onOver(() => live.tail.unfollow({ ...this.all(), orders: this.orders }, this));
  }

  /** Whether nothing more will be told of anything that is followed. */
  get isDone(): boolean {
    return !this.mine && this.ended.size === this.orders.size;
  }

  get size(): number {
    return this.orders.size;
  }

  /** Follows orders that may be seen, from their beginning or from a cursor; resolves when what was missed is told. */
  async track(ids: string[], cursor?: string): Promise<void> {
    const fresh = ids.filter((id) => !this.orders.has(id));
    if (fresh.length === 0) return;
    for (const id of fresh) this.orders.add(id);
    const start = await this.live.startAt(cursor);
    await this.join({ orders: fresh }, start, start?.after ?? -1);
  }

  untrack(ids: string[]): void {
    this.live.tail.unfollow({ orders: ids }, this);
    for (const id of ids) {
      this.orders.delete(id);
      this.ended.delete(id);
    }
  }

  /** Follows every order that this caller's lists show, from now on or from a cursor. */
  async trackMine(cursor?: string): Promise<void> {
    if (this.mine) return;
    this.mine = true;
    const start = await this.live.startAt(cursor);
    const joined = await this.join(this.all(), start, start?.after);
    this.mineAfter = start && !start.resync ? start.after : joined;
  }

  untrackMine(): void {
    this.live.tail.unfollow(this.all(), this);
    this.mine = false;
    this.mineAfter = Infinity;
  }

  take(update: OrderUpdate): void {
    if (!this.held) this.write(update);
    else if (this.held.push(update) > HELD_AT_MOST) this.reader.cut();
  }

  private all(): Wants {
    const { customerId } = this.by;
    return customerId === undefined ? { everything: true } : { customer: customerId };
  }

  /** Tells what was before, then what comes; `after` undefined = nothing was before. */
  private async join(wants: Wants, start: Start | undefined, after: number | undefined): Promise<number> {
    this.held = [];
    // Once without anybody waiting for it, however much it is; what came meanwhile is little.
    if (after !== undefined && start && !start.resync && wants.everything)
      after = await this.catchUp(wants, after, start.head.position);
    let joined = await this.live.tail.follow(wants, this);
    // A cursor from a process that reads faster than this one.
    while (after !== undefined && joined < after && !this.reader.isOver) joined = await this.live.tail.reached();
    if (start?.resync) await this.beginAnew(wants, joined);
    else if (after !== undefined) await this.catchUp(wants, after, joined);
    if (start) for (const id of await this.live.ended([...(wants.orders ?? [])], joined)) this.ended.add(id);
    const held = this.held;
    this.held = undefined;
    for (const update of held) if (update.entry.position > joined) this.write(update);
    // Gone while it joined: what onOver unfollowed then is unfollowed again.
    if (this.reader.isOver) this.live.tail.unfollow(wants, this);
    return joined;
  }

  private async catchUp({ orders, customer, everything }: Wants, after: number, upto: number): Promise<number> {
    if (!everything) {
      // Whoever was here before missed something of any of its orders, however many there are.
      const ids = orders
        ? [...orders]
        : await this.live.feed.newest(customer, after < 0 ? FOLLOWED_AT_MOST : undefined);
      await this.replay((await this.live.feed.history(ids, after, upto)).filter(this.untold(orders)));
      return upto;
    }
    while (after < upto && !this.reader.isOver) {
      const found = await this.live.feed.next(after, { orders: [], customers: [], everything: true });
      await this.replay(found.entries.filter(({ position }) => position <= upto).filter(this.untold()));
      after = found.upto;
    }
    return upto;
  }

  /** An order may be followed by its id and as one of `mine`; its past is told once. */
  private untold(tracked?: Iterable<string>): (entry: FeedEntry) => boolean {
    return tracked ? ({ position }) => position <= this.mineAfter : ({ order }) => !this.orders.has(order.id);
  }

  /** One snapshot of each order, for those whose cursor says nothing any more. */
  private async beginAnew({ orders, customer }: Wants, upto: number): Promise<void> {
    const ids = orders ? [...orders] : await this.live.feed.newest(customer, FOLLOWED_AT_MOST);
    const told = (await this.live.feed.history(ids, -1, upto)).filter(this.untold(orders));
    const newest = [...new Map(told.map((entry) => [entry.order.id, entry])).values()];
    // Until the last snapshot its cursor is that of the beginning: whoever gets half of them gets them again.
    await this.replay(newest, (_, last) => (last ? upto : 0), true);
  }

  /**
   * Tells entries of the past. What is told late, because it was asked for late, must not move the cursor back for good:
   * the last one brings it to where it was.
   */
  private async replay(
    entries: FeedEntry[],
    seen = (entry: FeedEntry, last: boolean) => (last ? Math.max(this.told, entry.position) : entry.position),
    resync?: true,
  ): Promise<void> {
    const { epoch } = await this.epoch();
    for (const [i, entry] of entries.entries()) {
      this.write(new OrderUpdate(entry, epoch, seen(entry, i === entries.length - 1), resync), false);
      if (i % AT_ONCE === 0) await this.reader.room();
      if (this.reader.isOver) return;
    }
  }

  private epoch(): Promise<{ epoch: string }> {
    return this.live.feed.head();
  }

  private write(update: OrderUpdate, live = true): void {
    const { position, type, order } = update.entry;
    this.told = Math.max(this.told, position);
    if (LAST.has(type) && this.orders.has(order.id)) this.ended.add(order.id);
    this.reader.write(update);
    // What is told again of the past, perhaps of days ago, is no part of what happened then.
    if (live) this.live.toldOf(update.entry);
    this.onTold?.();
  }

  /** Called after each update. */
  onTold?: () => void;
}
