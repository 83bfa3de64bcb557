import { eventually } from '../support/eventually.js';
import { anOrder, type Json, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

const at = useHouse();
const ORDERS = 7;

/** Each list with the column that tells when an entry of it was made. */
const LISTS = [
  { operation: 'orders.list', entries: 'orders', table: 'orders.orders', time: 'created_at' },
  { operation: 'payments.list', entries: 'payments', table: 'payments.payments', time: 'created_at' },
  { operation: 'notifications.list', entries: 'notifications', table: 'notifications.notifications', time: 'at' },
];

beforeAll(async () => {
  const sku = await stocked(at.house, 100);
  const placed = await Promise.all(
    Array.from({ length: ORDERS }, () => placeThrough('rest', at.house, anOrder(sku, { customerId: 'pat' }))),
  );
  for (const { id } of placed) await orderIn(at.house, id, 'CONFIRMED');
  await eventually(async () =>
    expect(await at.rows(`SELECT id FROM notifications.notifications WHERE state = 'SENT'`)).toHaveLength(ORDERS),
  );
  // As if houses whose clocks disagree had made the ids: the smallest id is the newest, and the last three are one set.
  for (const { table, time } of LISTS)
    await at.rows(`UPDATE ${table} t SET ${time} = r.first - least(r.place, 4) * interval '1 microsecond'
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS place, min(${time}) OVER () AS first FROM ${table}) r
      WHERE r.id = t.id`);
});

async function pages(operation: string, entries: string, narrowed: object): Promise<Json[]> {
  const all: Json[] = [];
  let pageToken: string | undefined;
  do {
    const { result } = await at.caller.call('rest', operation, {
      ...narrowed,
      pageSize: 2,
      ...(pageToken && { pageToken }),
    });
    all.push(...result[entries]);
    pageToken = result.nextPageToken;
    if (pageToken) expect(result[entries]).toHaveLength(2);
  } while (pageToken);
  return all;
}

describe.each(LISTS)('$operation', ({ operation, entries, table, time }) => {
  it('goes by the time of the database and then by the id, newest first, each once over all pages', async () => {
    const expected = await at.rows<{ id: string }>(`SELECT id FROM ${table} ORDER BY ${time} DESC, id DESC`);
    const shown = await pages(operation, entries, {});
    expect(shown.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    const byId = [...shown.map(({ id }) => id as string)].sort().reverse();
    expect(shown.map(({ id }) => id)).not.toEqual(byId);
  });

  it('refuses a token that was made up', async () => {
    const { code } = await at.caller.call('rest', operation, { pageToken: 'b3JkX3g' });
    expect(code).toBe('invalid-page-token');
  });
});

it('narrowed to a customer, a list of orders goes on in the same order', async () => {
  const shown = await pages('orders.list', 'orders', { customerId: 'pat' });
  const expected = await at.rows<{ id: string }>('SELECT id FROM orders.orders ORDER BY created_at DESC, id DESC');
  expect(shown.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
});
