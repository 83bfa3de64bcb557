// First: it guards the decoder of amqplib, which the others load.
import './header-tables.js';
import { Logger } from '@nestjs/common';
import { connect, type AmqpConnectionManager } from 'amqp-connection-manager';
import { type ChannelModel, connect as connectOnce } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { Consumer, type ConsumerOptions, type Delivery, type Take } from './consumer.js';
import { declareExchange, Differs } from './declaration.js';
import { Lifetime } from './lifetime.js';
import { type Publication, Publisher, type Sent } from './publisher.js';
import { Subscription } from './subscription.js';
import { EXCHANGES, type QueueDeclaration } from './topology.js';
import { Troubles } from './troubles.js';

export type { Delivery, Publication, Sent };

/** Connects, asks and goes, outside of any house and without a second try; throws why that was not possible. */
export async function askBroker<T>(url: string, ask: (connection: ChannelModel) => Promise<T>): Promise<T> {
  const connection = await connectOnce(url, { timeout: 5_000, clientProperties: { connection_name: 'sanmon asking' } });
  // What is being asked rejects with the reason; without a listener the event would end the process.
  connection.on('error', () => undefined);
  try {
    return await ask(connection);
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/** amqplib gives a silent link up after almost three of these (5.8 s for 2 s): 12 s, and 15 s are allowed. */
const HEARTBEAT_S = 4;
const RETRY_MS = 1_000;
const STANDING_EVERY_MS = 10;
/** What is published at once leaves at once, a pass of 500 rows too: Node's own 16 KiB would cut it into pieces. */
const SOCKET = { noDelay: true, writableHighWaterMark: 1024 * 1024 };
/** A broker that no longer answers must not keep this process from ending. */
const CLOSE_MS = 3_000;

/**
 * The one file that speaks AMQP. amqp-connection-manager connects and reconnects; channels are raw and live and die
 * with their connection, because a late ack through its wrapper acknowledges a stranger's message.
 */
export class Broker {
  private readonly logger = new Logger('Broker');
  private readonly troubles = new Troubles();
  private readonly managers: AmqpConnectionManager[] = [];
  private readonly subscriptions: Subscription[] = [];
  private readonly onReady: (() => void)[] = [];
  private readonly lives = new Set<Lifetime>();
  private publisher?: Publisher;
  private blocked = false;
  private closing = false;

  constructor(
    private readonly urls: string[],
    private readonly queues: () => QueueDeclaration[],
  ) {}

  /** Starts to connect, and answers at once: an unreachable broker is reported and tried for ever. */
  open(): void {
    this.connection('publishing', (connection, life) => this.publishOver(connection, life));
    this.connection('consuming', (connection, life) => this.consumeOver(connection, life));
  }

  /** Whether messages can be sent now. */
  ready(): boolean {
    return this.publisher !== undefined && !this.blocked;
  }

  /**
   * Waits until everything is declared and consumed, or it is known why not: what is published before that reaches no queue.
   * At most `ms`, because the other gates need no broker.
   */
  async standing(ms: number): Promise<void> {
    const untried = () =>
      this.complaint === 'not connected' || this.subscriptions.some((s) => s.complaint === 'not consumed');
    for (const until = performance.now() + ms; untried() && performance.now() < until;) await sleep(STANDING_EVERY_MS);
  }

  /** Why not, in a sentence; empty when all is well. Each queue has its own word: {@link complaintOf}. */
  get complaint(): string {
    const places = ['alarm', 'publishing', 'consuming', ...Object.values(EXCHANGES)];
    const trouble = places.map((place) => this.troubles.of(place)).find((sentence) => sentence !== '');
    return trouble ?? (this.ready() ? '' : 'not connected');
  }

  /** Why nothing comes from this queue, in a sentence; empty when it is consumed. */
  complaintOf(queue: string): string {
    return this.subscriptions.find((s) => s.queue === queue)?.complaint ?? 'not consumed';
  }

  whenReady(ring: () => void): void {
    this.onReady.push(ring);
  }

  /** Publishes in order; every message answers for itself. Never throws. */
  async publish(publications: Publication[]): Promise<Sent[]> {
    return this.publisher && !this.blocked ? this.publisher.publish(publications) : publications.map(() => 'lost');
  }

  /** Consumes a queue for as long as this broker is open; `take` settles what it took before it resolves. */
  consume(queue: string, options: ConsumerOptions, take: Take): void {
    const declaration = () => this.queues().find((q) => q.name === queue);
    this.subscriptions.push(new Subscription(new Consumer(queue, options, take), declaration, this.troubles));
  }

  /** Stops taking deliveries and waits for the sets in hand. */
  async stopConsuming(): Promise<void> {
    await Promise.all(this.subscriptions.map((s) => s.consumer.stop()));
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.stopConsuming();
    for (const life of this.lives) life.end();
    const closed = Promise.all(this.managers.map((m) => m.close().catch(() => undefined)));
    await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  private connection(name: string, use: (connection: ChannelModel, life: Lifetime) => Promise<void>): void {
    const manager = connect(this.urls, {
      heartbeatIntervalInSeconds: HEARTBEAT_S,
      reconnectTimeInSeconds: RETRY_MS / 1_000,
      connectionOptions: { ...SOCKET, timeout: 5_000, clientProperties: { connection_name: `sanmon ${name}` } },
    });
    this.managers.push(manager);
    manager.on('connect', ({ connection }) => void this.keep(connection as unknown as ChannelModel, name, use));
    manager.on('disconnect', ({ err }) => this.complain(name, err?.message ?? 'disconnected'));
    manager.on('connectFailed', ({ err }) => this.complain(name, err?.message ?? 'cannot connect'));
    if (name !== 'publishing') return;
    manager.on('blocked', ({ reason }) => {
      this.blocked = true;
      this.complain('alarm', `the broker blocks publishers: ${reason}`);
    });
    manager.on('unblocked', () => this.unblock());
  }

  /** Opens the channels of a connection, again after every channel error, until the connection itself is gone. */
  private async keep(
    connection: ChannelModel,
    name: string,
    use: (connection: ChannelModel, life: Lifetime) => Promise<void>,
  ): Promise<void> {
    const life = new Lifetime();
    this.lives.add(life);
    connection.on('close', () => life.end());
    connection.on('error', () => life.end());
    while (!life.over) {
      try {
        await use(connection, life);
      } catch (error) {
        this.complain(name, (error as Error).message);
      }
      await life.sleep(RETRY_MS);
    }
    this.lives.delete(life);
  }

  private async publishOver(connection: ChannelModel, life: Lifetime): Promise<void> {
    await this.declareExchanges(connection);
    const channel = await connection.createConfirmChannel();
    // Without these listeners any channel error would take the connection down.
    channel.on('error', (error: Error) => this.complain('publishing', error.message));
    const closed = new Promise<void>((resolve) => channel.on('close', resolve));
    if (life.over) return;
    const publisher = (this.publisher = new Publisher(channel));
    this.troubles.over('publishing');
    this.logger.log('connected');
    // A new connection is not blocked until the broker says so.
    this.unblock();
    await closed;
    if (this.publisher === publisher) this.publisher = undefined;
  }

  private async consumeOver(connection: ChannelModel, life: Lifetime): Promise<void> {
    await this.declareExchanges(connection);
    this.troubles.over('consuming');
    await Promise.all(this.subscriptions.map((subscription) => subscription.keep(connection, life)));
  }

  /** One that exists as something else is used as it is: what it does not route comes back, and waits in the outbox. */
  private async declareExchanges(connection: ChannelModel): Promise<void> {
    for (const exchange of Object.values(EXCHANGES)) {
      try {
        await declareExchange(connection, exchange);
        this.troubles.over(exchange);
      } catch (error) {
        if (!(error instanceof Differs)) throw error;
        this.complain(exchange, error.message);
      }
    }
  }

  private unblock(): void {
    this.blocked = false;
    this.troubles.over('alarm');
    this.onReady.forEach((ring) => ring());
  }

  private complain(place: string, sentence: string): void {
    if (!this.closing) this.troubles.tell(place, sentence);
  }
}
