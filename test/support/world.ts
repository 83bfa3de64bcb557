import { type ChannelModel, connect, type ConsumeMessage } from 'amqplib';

/** Everything that reaches a queue bound to all events. */
export class World {
  readonly heard: ConsumeMessage[] = [];
  private constructor(private readonly connection: ChannelModel) {}

  static async listen(url: string): Promise<World> {
    const world = new World(await connect(url));
    const channel = await world.connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'sanmon.events', '#');
    await channel.consume(queue, (message) => void world.heard.push(message!), { noAck: true });
    return world;
  }

  /** What was heard of one order, item or payment, in the order it came. */
  of = (key: string): ConsumeMessage[] => this.heard.filter(({ properties }) => properties.correlationId === key);

  close = (): Promise<void> => this.connection.close();
}
