import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Loop, Progress } from '../../messaging/loop.js';
import { Traffic } from '../../messaging/traffic.js';
import { Feed } from './feed.js';
import { FeedReader } from './feed-reader.js';
import { Followers, type Listener, type Wants } from './followers.js';
import { OrderUpdate } from './order-update.js';

const NOTICE = 'orders.feed';
/** Under load a pass every so often takes what hundreds of commits brought; when it is quiet nothing is added. */
const BREATH_MS = 10;
const PRUNE_EVERY_MS = 3_600_000;

/**
 * The end of the feed, read by one query for everybody in this process who follows orders. Each pass numbers first, so
 * that nothing need be numbered in a hurry while nobody listens.
 */
@Injectable()
export class Tail {
  private readonly followers = new Followers();
  private readonly loop: Loop;
  private joining: ((position: number) => void)[] = [];
  /** Up to where followers were told; unknown while there are none. */
  private at?: { position: number; epoch: string };
  private passed = 0;
  private pruned = -Infinity;

  constructor(
    private readonly feed: Feed,
    private readonly reader: FeedReader,
    traffic: Traffic,
  ) {
    const orders = traffic.of('orders');
    const notices = traffic.noticesOf(orders.database);
    this.loop = orders.loop('feed', () => this.pass());
    orders.loop('feed memory', () => this.forget());
    const wake = (): void => {
      if (!this.followers.isEmpty) this.loop.bell.ring();
    };
    feed.onTold = () => {
      wake();
      notices.hint(NOTICE);
    };
    notices.on(NOTICE, wake);
  }

  /**
   * Tells a listener from now on; answers the position after which it is told. What came before must be read from the
   * feed, and updates may come before the answer does.
   */
  follow(wants: Wants, listener: Listener): Promise<number> {
    this.followers.add(wants, listener);
    return this.reached();
  }

  unfollow(wants: Wants, listener: Listener): void {
    this.followers.remove(wants, listener);
  }

  /** The position that the next pass begins at. */
  reached(): Promise<number> {
    return new Promise((resolve) => {
      this.joining.push(resolve);
      this.loop.bell.ring();
    });
  }

  private async pass(): Promise<Progress> {
    await sleep(Math.max(0, this.passed + BREATH_MS - performance.now()));
    this.passed = performance.now();
    const more = await this.feed.number();
    if (this.followers.isEmpty) {
      this.at = undefined;
      for (const join of this.joining.splice(0)) join(0);
      return more ? 'more' : 'idle';
    }
    this.at ??= await this.reader.head();
    const { position, epoch } = this.at;
    for (const join of this.joining.splice(0)) join(position);
    const found = await this.reader.next(position, this.followers.interests());
    for (const entry of found.entries) this.followers.tell(new OrderUpdate(entry, epoch));
    this.at = { position: found.upto, epoch };
    return more || found.more ? 'more' : 'idle';
  }

  private async forget(): Promise<Progress> {
    if (performance.now() < this.pruned + PRUNE_EVERY_MS) return 'idle';
    if (await this.feed.prune()) return 'more';
    this.pruned = performance.now();
    return 'idle';
  }
}
