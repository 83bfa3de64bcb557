import type { Channel, ChannelModel } from 'amqplib';
import type { QueueDeclaration } from './topology.js';

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 406;

/** A queue or exchange that exists with other settings than ours; the message says which, and what to do. */
export class Differs extends Error {}

/** Declares an exchange; when there is one of this name it must be ours. */
export async function declareExchange(connection: ChannelModel, name: string): Promise<void> {
  try {
    await onItsOwn(connection, (channel) => channel.assertExchange(name, 'topic', { durable: true }));
  } catch (error) {
    throw differing(error, `the exchange ${name}`, 'topic, durable');
  }
}

/** Declares a queue with its bindings, which changes nothing where they are as they should be; tells what was there before. */
export async function declareQueue(
  connection: ChannelModel,
  { name, arguments: ours, bindings }: QueueDeclaration,
): Promise<{ made: boolean; consumers: number }> {
  const before = await look(connection, name);
  try {
    await onItsOwn(connection, async (channel) => {
      await channel.assertQueue(name, { durable: true, arguments: ours });
      for (const { exchange, key } of bindings) await channel.bindQueue(name, exchange, key);
    });
  } catch (error) {
    throw differing(error, `the queue ${name}`, `durable, ${JSON.stringify(ours)}`);
  }
  return { made: before === undefined, consumers: before?.consumerCount ?? 0 };
}

/** Asks passively, which creates nothing; undefined when there is none. */
async function look(connection: ChannelModel, queue: string): Promise<{ consumerCount: number } | undefined> {
  try {
    return await onItsOwn(connection, (channel) => channel.checkQueue(queue));
  } catch (error) {
    if ((error as { code?: number }).code === NOT_FOUND) return undefined;
    throw error;
  }
}

/** Asks the broker on a channel of its own: a refusal closes that channel and nothing else. */
async function onItsOwn<T>(connection: ChannelModel, ask: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await connection.createChannel();
  // The call itself rejects with the reason; without a listener the event would end the process.
  channel.on('error', () => undefined);
  const answer = await ask(channel);
  await channel.close();
  return answer;
}

/** RabbitMQ compares setting by setting and names the first that differs. Delivery limit and dead-letter strategy it does not compare. */
const INEQUIVALENT = /inequivalent arg '([^']+)'.*?: received (.+?) but current is (.+?)"?$/s;

function differing(error: unknown, what: string, ours: string): Error {
  const { code, message } = error as { code?: number; message: string };
  const [, setting, here, there] = INEQUIVALENT.exec(message) ?? [];
  if (code !== PRECONDITION_FAILED || !setting) return error as Error;
  return new Differs(
    `${what} exists with other settings: ${setting} is ${there} on the broker and ${here} here (all of ours: ${ours}). ` +
      `It is left alone, everything else goes on. Let it run empty and delete it there: it is declared anew within seconds.`,
  );
}
