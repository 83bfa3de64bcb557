import type { Channel, ChannelModel } from 'amqplib';
import type { ExchangeDeclaration, QueueDeclaration } from './topology.js';

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 406;

/** What an exchange is, wherever it leads. */
type ExchangeTraits = Pick<ExchangeDeclaration, 'name' | 'alternate'> & { type: ExchangeDeclaration['type'] | 'topic' };

/** A queue or exchange that exists with other settings than ours; the message says which, and what to do. */
export class Differs extends Error {}

/** Declares an exchange; when there is one of this name it must be ours. */
export async function declareExchange(connection: ChannelModel, name: string): Promise<void> {
  await exchangeAsserted(connection, { name, type: 'topic' });
}

/** Declares a queue with its bindings, which changes nothing where they are as they should be; tells what was there before. */
export async function declareQueue(
  connection: ChannelModel,
  { name, arguments: ours, bindings, exchanges = [], retired = [] }: QueueDeclaration,
): Promise<{ made: boolean; consumers: number }> {
  const before = await lookAt(connection, (channel) => channel.checkQueue(name));
  for (const exchange of exchanges) await declareSorter(connection, exchange);
  await queueAsserted(connection, { name, arguments: ours });
  await onItsOwn(connection, async (channel) => {
    for (const { exchange, key } of bindings) await channel.bindQueue(name, exchange, key);
    for (const { exchange, key } of retired) await channel.unbindQueue(name, exchange, key);
  });
  return { made: before === undefined, consumers: before?.consumerCount ?? 0 };
}

/**
 * Whether a queue of ours is there; throws {@link Differs} when it is not ours. Changes nothing: what is not there is not
 * declared, and to declare what is there only compares it.
 */
export async function queueStands(connection: ChannelModel, queue: QueueDeclaration): Promise<boolean> {
  if (!(await lookAt(connection, (channel) => channel.checkQueue(queue.name)))) return false;
  await queueAsserted(connection, queue);
  return true;
}

/** The same of an exchange. */
export async function exchangeStands(connection: ChannelModel, exchange: ExchangeTraits): Promise<boolean> {
  if (!(await lookAt(connection, (channel) => channel.checkExchange(exchange.name)))) return false;
  await exchangeAsserted(connection, exchange);
  return true;
}

/** Declares an exchange that stands between others and our queues, with what leads into it. */
async function declareSorter(connection: ChannelModel, sorter: ExchangeDeclaration): Promise<void> {
  await exchangeAsserted(connection, sorter);
  await onItsOwn(connection, async (channel) => {
    for (const { exchange, key } of sorter.bindings) await channel.bindExchange(sorter.name, exchange, key);
  });
}

async function queueAsserted(
  connection: ChannelModel,
  { name, arguments: ours }: Pick<QueueDeclaration, 'name' | 'arguments'>,
): Promise<void> {
  try {
    await onItsOwn(connection, (channel) => channel.assertQueue(name, { durable: true, arguments: ours }));
  } catch (error) {
    throw differing(error, `the queue ${name}`, `durable, ${JSON.stringify(ours)}`);
  }
}

async function exchangeAsserted(connection: ChannelModel, { name, type, alternate }: ExchangeTraits): Promise<void> {
  const ours = { durable: true, ...(alternate && { alternateExchange: alternate }) };
  try {
    await onItsOwn(connection, (channel) => channel.assertExchange(name, type, ours));
  } catch (error) {
    throw differing(error, `the exchange ${name}`, alternate ? `${type}, ${JSON.stringify(ours)}` : `${type}, durable`);
  }
}

/** Asks passively, which creates nothing; undefined when there is none. */
async function lookAt<T>(connection: ChannelModel, ask: (channel: Channel) => Promise<T>): Promise<T | undefined> {
  try {
    return await onItsOwn(connection, ask);
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
