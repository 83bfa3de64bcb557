import type { Order } from '../../../src/orders/index.js';
import { columns, type Run } from './database.js';
import { insertOrders, type StoredOrder } from './gate.js';
import type { Handle, Message, Outgoing } from './message-path.js';

/** How an order goes on when it hears something: its next state and what it sends then. */
interface Step {
  state: string;
  entry: string;
  send: (order: StoredOrder) => Outgoing[];
}

const about = ({ id }: { id: string }) => ({ orderId: id });

const STEPS: Record<string, Step> = {
  'payment-authorised': {
    state: 'AUTHORISED',
    entry: 'order-authorised',
    send: (order) => [{ route: 'inventory', type: 'reserve', body: { ...about(order), lines: order.lines } }],
  },
  'stock-reserved': {
    state: 'RESERVED',
    entry: 'order-reserved',
    send: (order) => [{ route: 'payments', type: 'capture', body: about(order) }],
  },
  'payment-captured': {
    state: 'CONFIRMED',
    entry: 'order-confirmed',
    send: (order) => [
      { route: 'inventory', type: 'sell', body: about(order) },
      { route: 'notifications', type: 'order-confirmed', body: viewOf(order) },
    ],
  },
};

export const ORDERS_TABLES = `CREATE TABLE orders_timeline (order_id uuid NOT NULL, sequence int NOT NULL, type text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (order_id, sequence));`;

/** Stores new orders and asks for their payment. */
export async function placeAll(run: Run, orders: StoredOrder[]): Promise<Outgoing[]> {
  await insertOrders(run, orders);
  await tell(
    run,
    orders.map((order) => ({ id: order.id, sequence: 1, type: 'order-placed' })),
  );
  return orders.flatMap((order) => [
    {
      route: 'payments',
      type: 'authorise',
      body: { ...about(order), amount: order.total, currency: order.currency, method: order.paymentMethod },
    },
    news('order-placed', order),
  ]);
}

/** Moves orders on by what the other modules say. */
export const advanceOrders: Handle = async (run, messages) => {
  const heard = new Map(messages.map((m: Message) => [(m.body as { orderId: string }).orderId, STEPS[m.type]!]));
  const orders = await run<StoredOrder>(
    `SELECT id, state, customer_id AS "customerId", email, currency, lines, total::int, payment_method AS "paymentMethod"
       FROM orders WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`,
    [[...heard.keys()]],
  );
  for (const order of orders) order.state = heard.get(order.id)!.state;
  await run(
    `UPDATE orders o SET state = u.s, updated_at = now() FROM unnest($1::uuid[], $2::text[]) u(i, s) WHERE o.id = u.i`,
    columns(
      orders,
      (o) => o.id,
      (o) => o.state,
    ),
  );
  const states = ['PLACED', 'AUTHORISED', 'RESERVED', 'CONFIRMED'];
  await tell(
    run,
    orders.map(({ id, state }) => ({ id, sequence: states.indexOf(state) + 1, type: heard.get(id)!.entry })),
  );
  return orders.flatMap((order) => [...heard.get(order.id)!.send(order), news(heard.get(order.id)!.entry, order)]);
};

const tell = (run: Run, entries: { id: string; sequence: number; type: string }[]) =>
  run(
    'INSERT INTO orders_timeline (order_id, sequence, type) SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[])',
    columns(
      entries,
      (e) => e.id,
      (e) => e.sequence,
      (e) => e.type,
    ),
  );

const news = (type: string, order: StoredOrder): Outgoing => ({
  route: 'public',
  type: `orders.${type}.v1`,
  body: order,
});

const viewOf = (order: StoredOrder): Order => ({
  ...(order as unknown as Order),
  locale: 'en',
  version: 4,
  createdAt: '',
  updatedAt: '',
});
