import type { Channel, ChannelModel } from 'amqplib';
import type { Consumer } from './consumer.js';
import { declareQueue } from './declaration.js';
import type { Lifetime } from './lifetime.js';
import type { QueueDeclaration } from './topology.js';
import type { Troubles } from './troubles.js';

const RETRY_MS = 1_000;
/** A consumer whose queue is gone is idle for ever and nothing tells it, if the broker's word got lost: so we look. */
const WATCH_MS = 10_000;
const DECLARE_MS = 60_000;

/** Keeps one queue declared, bound and consumed. It has channels of its own, so its troubles stop no other queue. */
export class Subscription {
  private consumed = false;
  private known = false;

  constructor(
    readonly consumer: Consumer,
    private readonly declaration: () => QueueDeclaration | undefined,
    private readonly troubles: Troubles,
  ) {}

  get queue(): string {
    return this.consumer.queue;
  }

  /** Why nothing comes from this queue, in a sentence; empty when it is consumed. */
  get complaint(): string {
    return this.troubles.of(this.queue) || (this.consumed ? '' : 'not consumed');
  }

  /** For as long as the connection lives: declares, consumes, watches, and begins again after every trouble. */
  async keep(connection: ChannelModel, life: Lifetime): Promise<void> {
    while (!life.over) {
      try {
        await this.once(connection, life);
      } catch (error) {
        if (!life.over) this.troubles.tell(this.queue, (error as Error).message);
      }
      await life.sleep(RETRY_MS);
    }
  }

  private async once(connection: ChannelModel, life: Lifetime): Promise<void> {
    await this.declare(connection);
    if (life.over) return;
    const channel = await connection.createChannel();
    const closed = new Promise<void>((resolve) => channel.on('close', resolve));
    channel.on('error', (error: Error) => this.troubles.tell(this.queue, error.message));
    try {
      await this.consumer.open(channel, () => {
        this.troubles.tell(this.queue, 'the broker cancelled us: the queue was deleted or moved');
        void channel.close().catch(() => undefined);
      });
      this.consumed = true;
      this.troubles.over(this.queue);
      await Promise.race([closed, this.watch(connection, channel, life)]);
    } finally {
      this.consumed = false;
      this.consumer.lost();
      await channel.close().catch(() => undefined);
    }
  }

  /** Returns when the queue is no longer as it was left; throws when it is gone or has become another one. */
  private async watch(connection: ChannelModel, channel: Channel, life: Lifetime): Promise<void> {
    let declared = Date.now();
    for (;;) {
      await life.sleep(WATCH_MS);
      if (life.over) return;
      // On the consuming channel: when the queue is gone this closes it, which is what ends the consuming.
      const { consumerCount } = await channel.checkQueue(this.queue);
      if (consumerCount === 0 && this.consumer.consuming) return this.troubles.tell(this.queue, 'nobody consumes it');
      if (Date.now() - declared < DECLARE_MS) continue;
      await this.declare(connection);
      declared = Date.now();
    }
  }

  private async declare(connection: ChannelModel): Promise<void> {
    const declaration = this.declaration();
    if (!declaration) throw new Error('no queue of this house');
    const { made } = await declareQueue(connection, declaration);
    if (made && this.known)
      this.troubles.alarm(this.queue, 'was deleted, and is declared again; messages that lay in it are lost');
    this.known = true;
  }
}
