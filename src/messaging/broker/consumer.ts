import type { Channel, ConsumeMessage } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cut, cut } from '../cut.js';
import { Doorbell } from '../doorbell.js';

/** A message as it came, with the one channel on which it may be settled. */
export interface Delivery {
  message: ConsumeMessage;
  channel: Channel;
  /** The body was larger than this consumer takes: `message.content` is its beginning. */
  cut?: Cut;
}

/** Deals with a set. */
export type Take = (deliveries: Delivery[]) => Promise<void>;

/** How a queue is consumed. */
export interface ConsumerOptions {
  /** How many deliveries may be here unsettled: it bounds the memory, however long the queue is. */
  prefetch: number;
  /** How many are taken at once. */
  set: number;
  /** A set takes no more bytes than these, but always one message: what a set becomes on its way takes several times that. */
  setBytes?: number;
  /** Larger bodies are cut the moment they arrive: 400 of 20 MB must never be here together. */
  cutting?: boolean;
  /** Too much is stored already: what is in the broker stays there. Asked before every set. */
  paused?: () => Promise<boolean>;
}

const RETRY_MS = 1_000;
const PAUSE_MS = 250;
/** What was on its way when we stopped is taken within this, so that a clean stop makes the broker repeat nothing. */
const DRAIN_MS = 4_000;

/** One queue as this process consumes it: what the broker pushes is taken in sets, one set in hand at a time. */
export class Consumer {
  private channel?: Channel;
  private tag?: string;
  private waiting: Delivery[] = [];
  private readonly bell = new Doorbell();
  private stopAt = Infinity;
  /** The broker knows that we stop, and what it sent before it knew is here. */
  private allIsHere = false;
  private opening?: Promise<void>;
  private working?: Promise<void>;

  constructor(
    readonly queue: string,
    private readonly options: ConsumerOptions,
    private readonly take: Take,
  ) {}

  /** Whether the broker should have a consumer of ours. */
  get consuming(): boolean {
    return this.tag !== undefined;
  }

  /** `cancelled` is called when the broker takes the queue away from us. */
  async open(channel: Channel, cancelled: () => void): Promise<void> {
    if (this.stopping) return;
    this.channel = channel;
    this.working ??= this.work();
    await (this.opening = this.subscribe(channel, cancelled));
  }

  private async subscribe(channel: Channel, cancelled: () => void): Promise<void> {
    await channel.prefetch(this.options.prefetch);
    const { consumerTag } = await channel.consume(this.queue, (message) => {
      if (message === null) return cancelled();
      const kept: ReturnType<typeof cut> = this.options.cutting ? cut(message.content) : { content: message.content };
      message.content = kept.content;
      this.waiting.push({ message, channel, cut: kept.cut });
      this.bell.ring();
    });
    this.tag = consumerTag;
  }

  /** The channel is gone: what was not settled will come again, so forget it. */
  lost(): void {
    this.channel = undefined;
    this.tag = undefined;
    this.waiting = [];
  }

  /** Takes no more, finishes what is here, and answers when nothing is in hand. */
  async stop(): Promise<void> {
    if (this.stopping) return this.working;
    this.stopAt = performance.now() + DRAIN_MS;
    // A broker that does not answer must not keep us: the deadline stands.
    const patience = sleep(DRAIN_MS / 2, undefined, { ref: false });
    await Promise.race([this.cancel().catch(() => undefined), patience]);
    this.allIsHere = true;
    this.bell.ring();
    await this.working;
  }

  private async cancel(): Promise<void> {
    await this.opening;
    const { channel, tag } = this;
    this.tag = undefined;
    if (channel && tag) await channel.cancel(tag);
  }

  private get stopping(): boolean {
    return this.stopAt < Infinity;
  }

  private async work(): Promise<void> {
    while (!this.allIsHere) {
      await this.bell.wait(1_000);
      while (this.waiting.length > 0 && performance.now() < this.stopAt) {
        if (await this.paused()) {
          if (this.stopping) return;
          await sleep(PAUSE_MS);
        } else await this.takeSet(this.nextSet());
      }
    }
  }

  private nextSet(): Delivery[] {
    const { set, setBytes = Infinity } = this.options;
    let bytes = 0;
    let count = 0;
    for (const { message } of this.waiting.slice(0, set)) {
      bytes += message.content.length;
      if (bytes > setBytes && count > 0) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async paused(): Promise<boolean> {
    return (await this.options.paused?.()) ?? false;
  }

  private async takeSet(deliveries: Delivery[]): Promise<void> {
    // While we asked whether to pause, the connection may have gone, and with it what was waiting.
    const channel = deliveries[0]?.channel;
    if (!channel) return;
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
