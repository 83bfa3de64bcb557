// Places an order over RabbitMQ, is answered, and follows it to its end by the events.
import { connect } from 'amqplib';
import { randomUUID } from 'node:crypto';

const url = process.env.RABBITMQ_URL ?? 'amqp://guest:guest@127.0.0.1:5672';
const ENDS = ['CONFIRMED', 'REJECTED', 'CANCELLED'];

interface Order {
  id: string;
  state: string;
  reason?: string;
}
type Reply = { result: Order } | { failure: { kind: string; code: string; message: string } };

const connection = await connect(url);
const channel = await connection.createConfirmChannel();

// The queue for events is bound before the order is placed, and read once its id is known: nothing is missed.
const { queue: events } = await channel.assertQueue('', { exclusive: true });
await channel.bindQueue(events, 'sanmon.events', 'orders.#');

/** Sends a command and waits for what it is answered. To ask again, send it with the same message-id. */
async function ask(routingKey: string, command: object): Promise<Reply> {
  const reply = new Promise<Reply>((resolve, reject) => {
    channel.on('return', () => reject(new Error(`nobody takes ${routingKey}: is the product running?`)));
    channel
      .consume('amq.rabbitmq.reply-to', (message) => resolve(JSON.parse(message!.content.toString()) as Reply), {
        noAck: true,
      })
      .catch(reject);
  });
  channel.publish('sanmon.commands', routingKey, Buffer.from(JSON.stringify(command)), {
    contentType: 'application/json',
    messageId: randomUUID(),
    replyTo: 'amq.rabbitmq.reply-to',
    persistent: true,
    mandatory: true,
  });
  await channel.waitForConfirms(); // from here on the broker keeps it
  return reply;
}

const reply = await ask('orders.place', {
  customerId: 'ada',
  email: 'ada@example.com',
  currency: 'JPY',
  lines: [{ sku: 'tea', quantity: 1 }],
  paymentMethod: process.argv[2] ?? 'pm_ok',
});
if ('failure' in reply) throw new Error(JSON.stringify(reply.failure));
const { id } = reply.result;
console.log(id);

// Events come at least once and, after a failure, perhaps late: judge each by what it says, not by its place.
await new Promise<void>((resolve, reject) => {
  channel
    .consume(events, (message) => {
      channel.ack(message!);
      const order = JSON.parse(message!.content.toString()) as Order;
      if (order.id !== id) return;
      console.log(order.state, order.reason ?? '');
      if (ENDS.includes(order.state)) resolve();
    })
    .catch(reject);
});
await connection.close();
