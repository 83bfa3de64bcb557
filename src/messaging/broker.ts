import { Logger } from '@nestjs/common';
import { connect, type AmqpConnectionManager } from 'amqp-connection-manager';
import type { Channel, ChannelModel, ConfirmChannel, Options } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { Consumer, type Delivery } from './consumer.js';
import { EXCHANGES, type QueueDeclaration } from './topology.js';

export type { Delivery };

export type Sent = 'confirmed' | 'returned' | 'lost';

export interface Publication {
  exchange: string;
  routingKey: string;
  content: Buffer;
  /** A return means "not delivered" only where somebody inside must hear it. */
  mandatory: boolean;
  properties: Options.Publish & { messageId: string };
}

const HEARTBEAT_S = 5;
const CONFIRM_TIMEOUT_MS = 10_000;
const RETRY_MS = 1_000;

/**
 * The one file that speaks AMQP. amqp-connection-manager connects and reconnects; channels are raw and live and die
 * with their connection, because a late ack through its wrapper acknowledges a stranger's message.
 */
export class Broker {
  private readonly logger = new Logger('Broker');
  private readonly managers: AmqpConnectionManager[] = [];
  private publisher?: ConfirmChannel;
  private readonly returned = new Set<string>();
  private blocked = false;
  private closing = false;
  private readonly troubles = new Map<string, string>();
  private readonly consumers: Consumer[] = [];
  private readonly onReady: (() => void)[] = [];

  constructor(
    private readonly urls: string[],
    private readonly queues: () => QueueDeclaration[],
  ) {}

  /** Starts to connect, and answers at once: an unreachable broker is reported and tried for ever. */
  open(): void {
    this.connection('publishing', (connection) => this.openPublisher(connection));
    this.connection('consuming', (connection) => this.openConsumers(connection));
  }

  /** Whether messages can be sent now. */
  ready(): boolean {
    return this.publisher !== undefined && !this.blocked;
  }

  /** Why not, in a sentence; empty when all is well. */
  get complaint(): string {
    const [trouble = ''] = this.troubles.values();
    return this.ready() ? trouble : trouble || 'not connected';
  }

  whenReady(ring: () => void): void {
    this.onReady.push(ring);
  }

  /** Publishes in order; every message answers for itself. Never throws. */
  async publish(publications: Publication[]): Promise<Sent[]> {
    const channel = this.publisher;
    if (!channel || this.blocked) return publications.map(() => 'lost');
    return Promise.all(publications.map((p) => this.confirmed(channel, p)));
  }

  /** Consumes a queue for as long as this broker is open; `take` settles what it took before it resolves. */
  consume(queue: string, prefetch: number, set: number, take: (deliveries: Delivery[]) => Promise<void>): void {
    this.consumers.push(new Consumer(queue, prefetch, set, take));
  }

  /** Stops taking deliveries and waits for the sets in hand. */
  async stopConsuming(): Promise<void> {
    await Promise.all(this.consumers.map((c) => c.stop()));
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.stopConsuming();
    await Promise.all(this.managers.map((m) => m.close().catch(() => undefined)));
  }

  private connection(name: string, opened: (connection: ChannelModel) => Promise<void>): void {
    const manager = connect(this.urls, {
      heartbeatIntervalInSeconds: HEARTBEAT_S,
      reconnectTimeInSeconds: RETRY_MS / 1_000,
      connectionOptions: { noDelay: true, timeout: 5_000, clientProperties: { connection_name: `sanmon ${name}` } },
    });
    this.managers.push(manager);
    manager.on('connect', ({ connection }) => void this.keepOpen(connection as unknown as ChannelModel, name, opened));
    manager.on('disconnect', ({ err }) => this.complain(name, err?.message ?? 'disconnected'));
    manager.on('connectFailed', ({ err }) => this.complain(name, err?.message ?? 'cannot connect'));
    manager.on('blocked', ({ reason }) => {
      this.blocked = true;
      this.complain('alarm', `the broker blocks publishers: ${reason}`);
    });
    manager.on('unblocked', () => {
      this.blocked = false;
      this.troubles.delete('alarm');
      this.onReady.forEach((ring) => ring());
    });
  }

  /** Opens the channels of a connection, again after every channel error, until the connection itself is gone. */
  private async keepOpen(
    connection: ChannelModel,
    name: string,
    opened: (c: ChannelModel) => Promise<void>,
  ): Promise<void> {
    let alive = true;
    connection.on('close', () => (alive = false));
    connection.on('error', () => (alive = false));
    this.blocked = false;
    while (alive && !this.closing) {
      try {
        await opened(connection);
      } catch (error) {
        this.complain(name, (error as Error).message);
      }
      if (alive && !this.closing) await sleep(RETRY_MS);
    }
  }

  private async openPublisher(connection: ChannelModel): Promise<void> {
    const channel = await connection.createConfirmChannel();
    const closed = this.closedOf(channel, 'publishing');
    await declareExchanges(channel);
    channel.on('return', (message) => this.returned.add(message.properties.messageId as string));
    this.publisher = channel;
    this.troubles.delete('publishing');
    this.logger.log('connected');
    this.onReady.forEach((ring) => ring());
    await closed;
    if (this.publisher === channel) this.publisher = undefined;
    this.returned.clear();
  }

  private async openConsumers(connection: ChannelModel): Promise<void> {
    const declaring = await connection.createChannel();
    void this.closedOf(declaring, 'consuming');
    await declareExchanges(declaring);
    await declaring.close();
    // Each queue has a channel of its own, so that one with other arguments on the broker stops nobody else.
    await Promise.all(this.consumers.map((consumer) => this.keepConsuming(connection, consumer)));
  }

  private async keepConsuming(connection: ChannelModel, consumer: Consumer): Promise<void> {
    let alive = true;
    connection.on('close', () => (alive = false));
    while (alive && !this.closing) {
      try {
        const channel = await connection.createChannel();
        const closed = this.closedOf(channel, consumer.queue);
        for (const queue of this.queues().filter((q) => consumer.needs(q.name))) await declareQueue(channel, queue);
        await consumer.open(channel);
        this.troubles.delete('consuming');
        this.troubles.delete(consumer.queue);
        await closed;
        consumer.lost();
      } catch (error) {
        if (alive) this.complain(consumer.queue, (error as Error).message);
      }
      if (alive && !this.closing) await sleep(RETRY_MS);
    }
  }

  /** Resolves when a channel is gone. Without these listeners any channel error would take the connection down. */
  private closedOf(channel: Channel, where: string): Promise<void> {
    channel.on('error', (error: Error) => this.complain(where, error.message));
    return new Promise((resolve) => channel.on('close', resolve));
  }

  private confirmed(
    channel: ConfirmChannel,
    { exchange, routingKey, content, mandatory, properties }: Publication,
  ): Promise<Sent> {
    return new Promise((resolve) => {
      // No answer is not an answer: the row stays and is sent again under the same id.
      const timer = setTimeout(() => resolve('lost'), CONFIRM_TIMEOUT_MS);
      const settle = (sent: Sent) => {
        clearTimeout(timer);
        resolve(sent);
      };
      try {
        // When the channel closes amqplib calls every outstanding confirm back with an error.
        channel.publish(
          exchange,
          routingKey,
          content,
          { persistent: true, mandatory, ...properties },
          (error: unknown) => {
            if (error) settle('lost');
            else settle(this.returned.delete(properties.messageId) ? 'returned' : 'confirmed');
          },
        );
      } catch {
        settle('lost');
      }
    });
  }

  /** Says each trouble once, until it changes or is over. */
  private complain(where: string, sentence: string): void {
    if (this.closing || sentence === this.troubles.get(where)) return;
    this.troubles.set(where, sentence);
    this.logger.warn(`${where}: ${sentence}`);
  }
}

async function declareExchanges(channel: Channel): Promise<void> {
  for (const exchange of Object.values(EXCHANGES)) await channel.assertExchange(exchange, 'topic', { durable: true });
}

async function declareQueue(channel: Channel, queue: QueueDeclaration): Promise<void> {
  await channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments });
  for (const { exchange, key } of queue.bindings) await channel.bindQueue(queue.name, exchange, key);
}
