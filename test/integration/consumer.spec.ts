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
