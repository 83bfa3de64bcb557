import { connect } from 'amqplib';
import { Load } from './rig/load.js';
import { report } from './rig/report.js';
import { sized } from './rig/size.js';
import { Stage } from './rig/stage.js';
import { setTimeout as sleep } from 'node:timers/promises';

it(
  'two replicas relay side by side (A48): the world hears each order in order, and next to nothing twice',
  async () => {
    const stage = await Stage.set('A48', { replicas: 2 });
    const connection = await connect(stage.brokerUrl);
    try {
      const heard: { id: string; key: string; version: number }[] = [];
      const channel = await connection.createChannel();
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.bindQueue(queue, 'sanmon.events', 'orders.#');
      await channel.consume(
        queue,
        (message) => {
          const { id, version } = JSON.parse(message!.content.toString()) as { id: string; version: number };
          heard.push({ id: message!.properties.messageId as string, key: id, version });
        },
        { noAck: true },
      );
      await stage.stock('tea', 1_000_000);
      await stage.stock('sold-out', 1);
      const load = new Load(stage, sized({ quick: 100, full: 200 }));
      await sleep(sized({ quick: 20_000, full: 300_000 }));
      await load.stop();
      const ended = await stage.check();
      await sleep(500);
      const last = new Map<string, number>();
      const [doubles, disorder] = [heard.length - new Set(heard.map((h) => h.id)).size, [] as typeof heard];
      for (const event of heard) {
        if ((last.get(event.key) ?? 0) > event.version) disorder.push(event);
        last.set(event.key, event.version);
      }
      expect(disorder).toEqual([]);
      expect(doubles / heard.length).toBeLessThan(0.001);
      report('A48', {
        events: heard.length,
        disorder: 0,
        doubles,
        orders: stage.journal.count('ok'),
        'ended after s': ended,
      });
    } finally {
      await connection.close();
      await stage.strike();
    }
  },
  sized({ quick: 120_000, full: 600_000 }),
);
