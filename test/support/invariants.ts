import { Client } from 'pg';
import { eventually } from './eventually.js';
import type { TestHouse } from './house.js';
import { broughtNear } from './one-view.js';

/** What a quiet moment is: each query answers the rows that are under way, and costs little while a house is at work. */
const QUIET: Record<string, string> = {
  ...Object.fromEntries(
    ['orders', 'payments', 'inventory', 'notifications'].flatMap((module) => [
      [`${module}: the outbox is empty`, `SELECT route, type FROM ${module}.outbox`],
      [`${module}: nothing waits in the inbox`, `SELECT key, type, state, reason FROM ${module}.inbox WHERE lane >= 0`],
      [`${module}: no effect is open`, `SELECT kind, key, attempts, error FROM ${module}.effects`],
    ]),
  ),
  'every order has ended': `SELECT id, state FROM orders.orders WHERE state NOT IN ('CONFIRMED', 'REJECTED', 'CANCELLED')`,
};

/** docs/story.md, "What must hold at every quiet moment": each query answers the rows that break it, so none. */
const INVARIANTS: Record<string, string> = {
  'money is kept for CONFIRMED orders only, and all of it but what an operator gave back': `
    SELECT o.id, o.state, l.captured - l.refunded AS kept FROM orders.orders o
      LEFT JOIN payments.payments p ON p.order_id = o.id LEFT JOIN (
      SELECT order_id, coalesce(sum(amount) FILTER (WHERE kind = 'capture' AND outcome = 'ok'), 0) AS captured,
             coalesce(sum(amount) FILTER (WHERE kind = 'refund' AND outcome = 'ok'), 0) AS refunded,
             count(*) FILTER (WHERE kind = 'capture' AND outcome = 'ok') AS captures
        FROM sandbox.ledger GROUP BY order_id) l ON l.order_id = o.id
     WHERE coalesce(l.captures, 0) > 1
        OR coalesce(l.captured - l.refunded, 0) <> CASE WHEN o.state = 'CONFIRMED' THEN o.total - p.refunded ELSE 0 END`,
  'no authorisation is open on an ended order': `
    SELECT order_id FROM sandbox.ledger GROUP BY order_id
    HAVING count(*) FILTER (WHERE kind IN ('authorise', 'authorisation') AND outcome = 'ok')
         > count(*) FILTER (WHERE kind IN ('capture', 'void') AND outcome = 'ok')`,
  'payments agree with the ledger': `
    SELECT p.id, p.state FROM payments.payments p JOIN orders.orders o ON o.id = p.order_id
     WHERE CASE WHEN o.state = 'CONFIRMED' THEN p.state NOT IN ('CAPTURED', 'REFUNDED') ELSE p.state = 'CAPTURED' END`,
  'every refund of a CONFIRMED order stands in its timeline': `
    SELECT o.id, p.refunds FROM orders.orders o JOIN payments.payments p ON p.order_id = o.id
     WHERE o.state = 'CONFIRMED'
       AND p.refunds <> (SELECT count(*) FROM orders.timeline t WHERE t.order_id = o.id AND t.type = 'payment-refunded')`,
  'stock is conserved and never negative': `
    SELECT sku FROM inventory.items WHERE available < 0 OR reserved < 0 OR sold < 0 OR available + reserved + sold <> received`,
  'goods are held for open orders and sold for CONFIRMED ones only': `
    SELECT h.order_id, h.state, o.state FROM inventory.holds h JOIN orders.orders o ON o.id = h.order_id
     WHERE h.state = 'HELD' OR (h.state = 'SOLD') <> (o.state = 'CONFIRMED')`,
  'the timeline of an order is 1…n without gap, as its version says': `
    SELECT t.order_id FROM orders.timeline t JOIN orders.orders o ON o.id = t.order_id GROUP BY t.order_id, o.version
    HAVING min(sequence) <> 1 OR max(sequence) <> count(*) OR max(sequence) <> o.version`,
  'the state of an order is what its timeline says last': `
    SELECT o.id, o.state, t.type FROM orders.orders o CROSS JOIN LATERAL (
      SELECT type FROM orders.timeline WHERE order_id = o.id AND type LIKE 'order-%' ORDER BY sequence DESC LIMIT 1) t
     WHERE t.type <> 'order-' || lower(o.state)`,
  'REJECTED or CANCELLED stands at most once, and last': `
    SELECT order_id FROM orders.timeline t GROUP BY order_id
    HAVING count(*) FILTER (WHERE type IN ('order-rejected', 'order-cancelled')) > 1
        OR (count(*) FILTER (WHERE type IN ('order-rejected', 'order-cancelled')) = 1
            AND max(sequence) <> max(sequence) FILTER (WHERE type IN ('order-rejected', 'order-cancelled')))`,
  'one mail for each ending, all of them sent': `
    SELECT o.id, count(n.id) FROM orders.orders o LEFT JOIN notifications.notifications n ON n.order_id = o.id AND n.state = 'SENT'
     GROUP BY o.id, o.state
    HAVING count(n.id) <> (SELECT count(*) FROM orders.timeline t WHERE t.order_id = o.id
                              AND t.type IN ('order-confirmed', 'order-rejected', 'order-cancelled'))`,
  'no order is there twice for one key': `
    SELECT principal, operation, key FROM orders.idempotency_keys GROUP BY 1, 2, 3 HAVING count(*) > 1`,
};

/** Waits for quiet and proves that everything holds; what does not is shown with its rows. */
export async function checkInvariants(where: Pick<TestHouse, 'databaseUrl'> | string, within = 60_000): Promise<void> {
  const url = typeof where === 'string' ? where : where.databaseUrl;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // In this order, since over tens of thousands of orders the second takes seconds of a core that the house needs.
    const holds = async () => {
      expect(await broken(client, QUIET)).toEqual({});
      expect(await broken(client, INVARIANTS)).toEqual({});
    };
    await eventually(holds, { within, every: 250 });
  } finally {
    await client.end();
  }
}

async function broken(client: Client, claims: Record<string, string>): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  const near = await broughtNear(client);
  for (const [claim, query] of Object.entries(claims)) {
    const { rows } = await client.query(`${near(query)} LIMIT 5`);
    if (rows.length > 0) found[claim] = rows;
  }
  return found;
}
