import { setTimeout as sleep } from 'node:timers/promises';
import { anOrder } from '../../support/shop.js';
import type { RestClient } from '../../support/rest-client.js';
import type { Stage } from './stage.js';

/** As many clients have a call open at most: beyond that a machine in trouble would only measure the load. */
const CLIENTS = 500;

/** Orders that keep coming, whatever happens to those before: so many a second until stopped. */
export class Load {
  private running = true;
  private readonly open = new Set<Promise<unknown>>();
  private readonly coming: Promise<void>;
  private next = 0;

  constructor(
    private readonly stage: Stage,
    private readonly rate: number,
    private readonly at: () => RestClient = stage.anyone,
    private readonly name = 'load',
  ) {
    this.coming = this.come();
  }

  get sent(): number {
    return this.next;
  }

  /** No more orders; resolves when every client has its definite answer. */
  async stop(): Promise<void> {
    this.running = false;
    await this.coming;
    await Promise.all(this.open);
  }

  private async come(): Promise<void> {
    const began = performance.now();
    while (this.running && !this.stage.journal.closed) {
      const due = ((performance.now() - began) * this.rate) / 1_000;
      while (this.next < due && this.open.size < CLIENTS) this.place(this.next++);
      await sleep(10);
    }
  }

  /** One in ten is declined, one in ten out of stock, one in twenty names goods that do not exist; the rest is bought. */
  private place(n: number): void {
    const { chance, journal } = this.stage;
    const drawn = chance.next();
    const order = anOrder(drawn < 0.05 ? 'no-such-thing' : drawn < 0.15 ? 'sold-out' : 'tea', {
      customerId: `${this.name}-${n}`,
      paymentMethod: chance.next() < 0.1 ? 'pm_declined' : 'pm_ok',
    });
    const placing = journal.place(`${this.name}-key-${n}`, order, this.at).finally(() => this.open.delete(placing));
    this.open.add(placing);
  }
}
