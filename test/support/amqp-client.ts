import { type ChannelModel, connect, type ConfirmChannel, type Options } from 'amqplib';
import { randomUUID } from 'node:crypto';

export interface AmqpReply {
  // Whatever came: the assertions say what it should be.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  headers: Record<string, unknown>;
}

/** A publisher of commands, as any language could write it: plain JSON and ordinary properties. */
export class AmqpClient {
  private readonly waiting = new Map<string, (reply: AmqpReply) => void>();

  private constructor(
    private readonly connection: ChannelModel,
    readonly channel: ConfirmChannel,
    private readonly key: string,
  ) {}

  static async connect(url: string, key: string): Promise<AmqpClient> {
    const connection = await connect(url, { noDelay: true });
    const channel = await connection.createConfirmChannel();
    const client = new AmqpClient(connection, channel, key);
    await channel.consume(
      'amq.rabbitmq.reply-to',
      (message) => {
        const { correlationId, headers } = message!.properties;
        const body: unknown = JSON.parse(message!.content.toString());
        client.waiting.get(correlationId as string)?.({ body, headers: headers ?? {} });
      },
      { noAck: true },
    );
    return client;
  }

  /** Publishes a command and does not wait for what comes of it. */
  async publish(routingKey: string, body: unknown, properties: Options.Publish = {}): Promise<void> {
    const content = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    await new Promise<void>((resolve, reject) =>
      this.channel.publish(
        'sanmon.commands',
        routingKey,
        content,
        { ...properties, headers: { authorization: `Bearer ${this.key}`, ...(properties.headers as object) } },
        (error: Error | null) => (error ? reject(error) : resolve()),
      ),
    );
  }

  /** Publishes a command and waits for its reply. */
  async ask(routingKey: string, body: unknown, properties: Options.Publish = {}, within = 45_000): Promise<AmqpReply> {
    const correlationId = randomUUID();
    let timer: NodeJS.Timeout | undefined;
    const reply = new Promise<AmqpReply>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no reply to ${routingKey} within ${within} ms`)), within);
      this.waiting.set(correlationId, resolve);
    });
    try {
      await this.publish(routingKey, body, { ...properties, replyTo: 'amq.rabbitmq.reply-to', correlationId });
      return await reply;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
