import type { ChannelModel } from 'amqplib';
import type { Consumer } from './consumer.js';
import { declareQueue } from './declaration.js';
import type { Lifetime } from './lifetime.js';
import type { QueueDeclaration } from './topology.js';
import type { Troubles } from './troubles.js';

const RETRY_MS = 1_000;
/** A consumer whose queue or binding is gone is idle for ever, and nothing may tell it: so we look. */
const WATCH_MS = 10_000;

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
      await Promise.race([closed, this.watch(connection, life)]);
    } finally {
      this.consumed = false;
      this.consumer.lost();
      await channel.close().catch(() => undefined);
    }
  }

  /** Declares again and again, which restores what is missing. Returns when it must be consumed anew. */
  private async watch(connection: ChannelModel, life: Lifetime): Promise<void> {
    for (;;) {
      await life.sleep(WATCH_MS);
      if (life.over) return;
      const { made, consumers } = await this.declare(connection);
      if (made || (consumers === 0 && this.consumer.consuming)) return;
    }
  }

  private async declare(connection: ChannelModel): Promise<{ made: boolean; consumers: number }> {
    const declaration = this.declaration();
    if (!declaration) throw new Error('no queue of this house');
    const found = await declareQueue(connection, declaration);
    if (found.made && this.known)
      this.troubles.alarm(this.queue, 'was deleted, and is declared again; messages that lay in it are lost');
    this.known = true;
    return found;
  }
}
