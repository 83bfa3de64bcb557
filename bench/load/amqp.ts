import { type Channel, type ChannelModel, connect } from 'amqplib';
import type { Job, Wire } from './job.js';
import { newKey, ORDERS } from './orders.js';

type Answered = Parameters<Wire['ask']>[0];

/** Commands over AMQP; the reply of the house is the answer. All clients share one connection. */
export class AmqpWire implements Wire {
  private readonly open = new Map<string, Answered>();
  private readonly bodies = ORDERS.map((order) => Buffer.from(JSON.stringify(order)));
  private next = 0;

  private constructor(
    private readonly connection: ChannelModel,
    private readonly channel: Channel,
    private readonly key: string,
  ) {}

  static async connect(job: Job): Promise<AmqpWire> {
    const connection = await connect(job.target.amqp!, { noDelay: true });
    connection.on('error', () => undefined);
    const channel = await connection.createChannel();
    const wire = new AmqpWire(connection, channel, job.target.key);
    await channel.consume('amq.rabbitmq.reply-to', (message) => message && wire.take(message), { noAck: true });
    return wire;
  }

  ask(answered: Answered): void {
    const id = newKey();
    this.open.set(id, answered);
    this.channel.publish('sanmon.commands', 'orders.place', this.bodies[this.next++ % this.bodies.length]!, {
      persistent: true,
      contentType: 'application/json',
      messageId: id,
      correlationId: id,
      replyTo: 'amq.rabbitmq.reply-to',
      headers: { authorization: `Bearer ${this.key}` },
    });
  }

  close(): void {
    void this.connection.close().catch(() => undefined);
  }

  private take({ properties, content }: { properties: { correlationId?: string }; content: Buffer }): void {
    const id = properties.correlationId ?? '';
    const answered = this.open.get(id);
    this.open.delete(id);
    const refused = content.toString('latin1', 0, 11) === '{"failure":';
    answered?.(refused ? content.toString().slice(0, 200) : undefined, () => content.toString());
  }
}
