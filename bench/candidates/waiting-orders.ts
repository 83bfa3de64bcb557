import { connect } from 'amqplib';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { ORDERS } from '../load/orders.js';
import type { Place } from './candidate.js';

const WINDOW = 2_000;

/** Leaves commands in the product's own queue, which an earlier start has declared: a spike waits there. */
export const waitingAtSanmon =
  (key: string) =>
  async ({ brokerUrl }: Place, orders: number): Promise<void> => {
    const bodies = ORDERS.map((order) => Buffer.from(JSON.stringify(order)));
    await publish(brokerUrl, orders, (channel, n) =>
      channel.publish('sanmon.commands', 'orders.place', bodies[n % bodies.length]!, {
        persistent: true,
        mandatory: true,
        contentType: 'application/json',
        messageId: v7(),
        headers: { authorization: `Bearer ${key}` },
      }),
    );
  };

/** Leaves stored orders and their events, as S leaves them when it is killed behind its confirms. */
export async function waitingAtStock({ brokerUrl, databaseUrl }: Place, orders: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO orders (state, "customerId", email, currency, total, "paymentMethod")
     SELECT 'PLACED', 'customer-' || n % 1000, 'customer@example.com', 'JPY', 1000, 'pm_ok' FROM generate_series(1, $1) n
     RETURNING id`,
    [orders],
  );
  await client.query(`INSERT INTO order_lines ("orderId", sku, name, quantity, "unitPrice", amount)
    SELECT o.id, i.sku, i.name, 1, i."unitPrice", i."unitPrice" FROM orders o
      CROSS JOIN (SELECT * FROM items ORDER BY sku LIMIT 3) i`);
  await client.end();
  await publish(brokerUrl, orders, (channel, n) =>
    channel.sendToQueue('orders', Buffer.from(JSON.stringify({ pattern: 'order.placed', data: { id: rows[n]!.id } })), {
      persistent: true,
    }),
  );
}

type Channel = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createConfirmChannel']>>;

async function publish(url: string, count: number, one: (channel: Channel, n: number) => unknown): Promise<void> {
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  channel.on('return', () => connection.emit('error', new Error('nobody is bound to take what waits')));
  for (let n = 0; n < count; n++) {
    one(channel, n);
    if (n % WINDOW === WINDOW - 1) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await connection.close();
}
