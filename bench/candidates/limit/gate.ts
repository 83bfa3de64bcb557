import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { v7 } from 'uuid';
import { SETTINGS } from '../settings.js';
import { columns, type Price, run, type Run } from './database.js';
import { Gatherer } from './gatherer.js';

/** An order as it is stored; lines and what is not asked for stand in one JSON column. */
export interface StoredOrder {
  id: string;
  state: string;
  customerId: string;
  email: string;
  currency: string;
  lines: { sku: string; name: string; quantity: number; unitPrice: number; amount: number }[];
  total: number;
  paymentMethod: string;
}

export const ORDERS_TABLE = `
  CREATE TABLE orders (id uuid PRIMARY KEY, state text NOT NULL, customer_id text NOT NULL, email text NOT NULL,
    currency text NOT NULL, lines jsonb NOT NULL, total bigint NOT NULL, payment_method text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 80);`;

/** Stores new orders: one statement for a set. */
export const insertOrders = (run: Run, orders: StoredOrder[]) =>
  run(
    `INSERT INTO orders (id, state, customer_id, email, currency, lines, total, payment_method)
     SELECT i, 'PLACED', c, e, u, l::jsonb, t, p
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[]) x(i, c, e, u, l, t, p)`,
    columns(
      orders,
      (o) => o.id,
      (o) => o.customerId,
      (o) => o.email,
      (o) => o.currency,
      (o) => JSON.stringify(o.lines),
      (o) => o.total,
      (o) => o.paymentMethod,
    ),
  );

const FIND = `SELECT id, state, customer_id AS "customerId", email, currency, lines, total::int, payment_method AS "paymentMethod"
  FROM orders WHERE id = ANY($1::uuid[])`;

/** The REST gate: node:http, validated by hand; calls gather into sets. */
export function serve(prices: Map<string, Price>, store: (orders: StoredOrder[]) => Promise<void>): void {
  const placing = new Gatherer<StoredOrder, StoredOrder>(async (orders) => {
    await store(orders);
    return orders;
  });
  const reading = new Gatherer<string, StoredOrder | undefined>(async (ids) => {
    const found = new Map((await run<StoredOrder>(FIND, [ids])).map((order) => [order.id, order]));
    return ids.map((id) => found.get(id));
  });
  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    if (request.method === 'GET') {
      const order = await reading.add(request.url!.slice('/v1/orders/'.length));
      return order ? [200, order] : [404, {}];
    }
    const order = priced(JSON.parse(await textOf(request)) as StoredOrder, prices);
    return order ? [202, await placing.add(order)] : [400, {}];
  };
  createServer((request, response) => {
    void answer(request)
      .catch((error: Error): [number, unknown] => (console.error(error), [500, {}]))
      .then(([status, body]) => send(response, status, body));
  }).listen(SETTINGS.port, '127.0.0.1');
}

function priced(asked: StoredOrder, prices: Map<string, Price>): StoredOrder | undefined {
  const { customerId, email, currency, paymentMethod } = asked;
  if (![customerId, email, currency, paymentMethod].every((text) => typeof text === 'string' && text.length > 0))
    return;
  if (!Array.isArray(asked.lines) || asked.lines.length === 0) return;
  const lines: StoredOrder['lines'] = [];
  let total = 0;
  for (const { sku, quantity } of asked.lines) {
    const price = prices.get(sku);
    if (!price || !Number.isInteger(quantity) || quantity < 1) return;
    const amount = price.unitPrice * quantity;
    total += amount;
    lines.push({ sku, name: price.name, quantity, unitPrice: price.unitPrice, amount });
  }
  return { id: v7(), state: 'PLACED', customerId, email, currency, lines, total, paymentMethod };
}

function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (text += part));
    request.on('end', () => resolve(text));
    request.on('error', reject);
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
