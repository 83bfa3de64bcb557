import { connect } from 'amqplib';
import { eventually } from '../../support/eventually.js';

interface Heard {
  id: string;
  key: string;
  version: number;
}

const QUEUE = 'world';

/** Somebody outside who hears all events of orders, from a queue that outlives an absence of the broker. */
export class World {
  readonly heard: Heard[] = [];

  private constructor(private readonly brokerUrl: string) {}

  /** From now on everything published is kept for it. */
  static async bound(brokerUrl: string): Promise<World> {
    const connection = await connect(brokerUrl);
    const channel = await connection.createChannel();
    await channel.assertExchange('sanmon.events', 'topic', { durable: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.bindQueue(QUEUE, 'sanmon.events', 'orders.#');
    await connection.close();
    return new World(brokerUrl);
  }

  /** Hears everything that was kept. */
  async hear(): Promise<void> {
    const connection = await connect(this.brokerUrl);
    try {
      const channel = await connection.createChannel();
      await channel.prefetch(1_000);
      await channel.consume(QUEUE, (message) => {
        if (!message) return;
        const { id, version } = JSON.parse(message.content.toString()) as { id: string; version: number };
        this.heard.push({ id: message.properties.messageId as string, key: id, version });
        channel.ack(message);
      });
      const left = async () => {
        const before = this.heard.length;
        expect((await channel.checkQueue(QUEUE)).messageCount).toBe(0);
        expect(this.heard.length).toBe(before);
      };
      await eventually(left, { within: 120_000, every: 500 });
    } finally {
      await connection.close();
    }
  }

  get doubles(): number {
    return this.heard.length - new Set(this.heard.map((h) => h.id)).size;
  }

  /** Events that tell of an earlier version of their order than one heard before. A repeat may come late. */
  get disorder(): Heard[] {
    const last = new Map<string, number>();
    const known = new Set<string>();
    return this.heard.filter((event) => {
      if (known.has(event.id)) return false;
      known.add(event.id);
      const late = (last.get(event.key) ?? 0) > event.version;
      last.set(event.key, Math.max(last.get(event.key) ?? 0, event.version));
      return late;
    });
  }
}
