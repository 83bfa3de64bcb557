import { type ChannelModel, connect } from 'amqplib';
import { Consumer, type Delivery } from '../../src/messaging/broker/consumer.js';
import { eventually } from '../support/eventually.js';
import { useVhost } from '../support/fixtures.js';

const QUEUE = 'a-queue';
const vhost = useVhost();
let connection: ChannelModel;
beforeAll(async () => (connection = await connect(vhost.url)));
afterAll(() => connection.close());

it('settles nothing on a channel that did not bring it: what comes over the next one is still the broker’s until it is done', async () => {
  const hands = await connection.createChannel();
  await hands.assertQueue(QUEUE, { arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true } });
  const sets: { numbers: string[]; done: () => void }[] = [];
  const take = (deliveries: Delivery[]) =>
    new Promise<void>((resolve) =>
      sets.push({ numbers: deliveries.map(({ message }) => message.content.toString()), done: resolve }),
    );
  const consumer = new Consumer(QUEUE, { prefetch: 10, set: 1 }, take);
  const first = await connection.createChannel();
  await consumer.open(first, () => undefined);
  hands.sendToQueue(QUEUE, Buffer.from('1'));
  await eventually(() => expect(sets).toHaveLength(1));

  consumer.lost();
  await first.close();
  hands.sendToQueue(QUEUE, Buffer.from('2'));
  const second = await connection.createChannel();
  await consumer.open(second, () => undefined);
  // Both lie here, on the new channel, whose tags begin at 1 as those of the old one did.
  await eventually(async () => expect((await hands.checkQueue(QUEUE)).messageCount).toBe(0));
  expect(sets).toHaveLength(1);
  sets[0]!.done();
  await eventually(() => expect(sets).toHaveLength(2));
  expect(sets[1]!.numbers).toEqual(['1']);

  consumer.lost();
  await second.close();
  // Nothing was acknowledged for the set that came over the lost channel: both are there again, in their order.
  await eventually(async () => expect((await hands.checkQueue(QUEUE)).messageCount).toBe(2));
  sets[1]!.done();
  const third = await connection.createChannel();
  await consumer.open(third, () => undefined);
  for (const [at, number] of ['1', '2'].entries()) {
    await eventually(() => expect(sets[2 + at]?.numbers).toEqual([number]));
    sets[2 + at]!.done();
  }
  await consumer.stop();
  await third.close();
  await eventually(async () => expect((await hands.checkQueue(QUEUE)).messageCount).toBe(0));
});

it('leaves nothing in hand when it is stopped while it begins: what comes then stays in the queue', async () => {
  const hands = await connection.createChannel();
  await hands.assertQueue('while-opening', { arguments: { 'x-queue-type': 'quorum' } });
  const consumer = new Consumer('while-opening', { prefetch: 10, set: 1 }, () => Promise.resolve());
  const channel = await connection.createChannel();
  const opening = consumer.open(channel, () => undefined);
  await consumer.stop();
  await opening;
  expect((await hands.checkQueue('while-opening')).consumerCount).toBe(0);
  await channel.close();
});

it('takes everything that the broker sent before it knew that we stop', async () => {
  const hands = await connection.createChannel();
  await hands.assertQueue('on-its-way', { arguments: { 'x-queue-type': 'quorum' } });
  const taken: string[] = [];
  const consumer = new Consumer('on-its-way', { prefetch: 10, set: 1 }, (deliveries) => {
    taken.push(...deliveries.map(({ message }) => message.content.toString()));
    return Promise.resolve();
  });
  const channel = await connection.createChannel();
  // The answer to our cancel is late, and deliveries came before it.
  let answer = () => {};
  const late = new Promise<{ consumerTag: string }>((resolve) => (answer = () => resolve({ consumerTag: 'late' })));
  jest.spyOn(channel, 'cancel').mockReturnValue(late);
  await consumer.open(channel, () => undefined);
  hands.sendToQueue('on-its-way', Buffer.from('1'));
  await eventually(() => expect(taken).toEqual(['1']));
  const stopped = consumer.stop();
  hands.sendToQueue('on-its-way', Buffer.from('2'));
  await eventually(() => expect(taken).toEqual(['1', '2']));
  hands.sendToQueue('on-its-way', Buffer.from('3'));
  await eventually(() => expect(taken).toEqual(['1', '2', '3']));
  answer();
  await stopped;
  await channel.close();
  expect((await hands.checkQueue('on-its-way')).messageCount).toBe(0);
});
