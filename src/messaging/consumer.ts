import type { Channel, ConsumeMessage } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { Doorbell } from './doorbell.js';

/** A message as it came, with the one channel on which it may be settled. */
export interface Delivery {
  message: ConsumeMessage;
  channel: Channel;
}

const RETRY_MS = 1_000;

/** One queue as this process consumes it: what the broker pushes is taken in sets, one set in hand at a time. */
export class Consumer {
  private channel?: Channel;
  private tag?: string;
  private waiting: Delivery[] = [];
  private readonly bell = new Doorbell();
  private stopping = false;
  private working?: Promise<void>;

  constructor(
    readonly queue: string,
    private readonly prefetch: number,
    private readonly set: number,
    private readonly take: (deliveries: Delivery[]) => Promise<void>,
  ) {}

  /** A queue is declared by the consumer that reads it, and with it the dead-letter queue it names. */
  needs(name: string): boolean {
    return name === this.queue || name === `${this.queue.split('.').slice(0, 2).join('.')}.dead`;
  }

  async open(channel: Channel): Promise<void> {
    if (this.stopping) return;
    this.channel = channel;
    await channel.prefetch(this.prefetch);
    const { consumerTag } = await channel.consume(this.queue, (message) => {
      // null: the broker cancelled us, because the queue was deleted or moved. Open everything again.
      if (message === null) return void channel.close().catch(() => undefined);
      this.waiting.push({ message, channel });
      this.bell.ring();
    });
    this.tag = consumerTag;
    this.working ??= this.work();
  }

  /** The channel is gone: what was not settled will come again, so forget it. */
  lost(): void {
    this.channel = undefined;
    this.waiting = [];
  }

  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    if (this.channel && this.tag) await this.channel.cancel(this.tag).catch(() => undefined);
    this.waiting = [];
    this.bell.ring();
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.stopping) {
      await this.bell.wait(1_000);
      while (this.waiting.length > 0 && !this.stopping) await this.takeSet(this.waiting.splice(0, this.set));
    }
  }

  private async takeSet(deliveries: Delivery[]): Promise<void> {
    const channel = deliveries[0]!.channel;
    while (channel === this.channel) {
      try {
        await this.take(deliveries);
        // Sets are taken one after the other, so everything up to the last of this one is settled.
        if (channel === this.channel) channel.ack(deliveries.at(-1)!.message, true);
        return;
      } catch {
        // `take` stores what fails; if even that fails the database is away, and the set stays ours until it is back.
        if (this.stopping) return;
        await sleep(RETRY_MS);
      }
    }
  }
}
