import { Client } from 'pg';
import { progress } from '../report/progress.js';

/** What an order leaves behind for good. Not here: what passes (outbox, effects, timers) and one feed row for each set. */
const REMAINS = [
  'orders.orders',
  'orders.timeline',
  'orders.idempotency_keys',
  'orders.seen',
  'payments.payments',
  'payments.seen',
  'inventory.holds',
  'inventory.seen',
  'notifications.notifications',
  'notifications.seen',
  'sandbox.ledger',
];

/** Text columns that name one order, payment, mail or call; messages are named by columns of type uuid. */
const NAMES = ['id', 'order_id', 'reference', 'key'];

/** 2^16 ms: the first eight hexadecimal digits of a UUIDv7 count these. */
const TICK_SECONDS = 65.536;

// `pre_` and a UUIDv7, a UUIDv7 alone, or a key of the load generator, whose first digits are zeros.
const MOVED = `
  CREATE FUNCTION public.moved_digits(name text, ticks bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lpad(to_hex(('x' || left(name, 8))::bit(32)::bigint - ticks), 8, '0') || substr(name, 9) $$;
  CREATE FUNCTION public.moved(name text, ticks bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN substr(name, 5, 1) = '_' THEN left(name, 5) || public.moved_digits(substr(name, 6), ticks)
                WHEN substr(name, 4, 1) = '_' THEN left(name, 4) || public.moved_digits(substr(name, 5), ticks)
                WHEN left(name, 4) = '0000' THEN lpad(to_hex(ticks), 8, '0') || substr(name, 9)
                ELSE public.moved_digits(name, ticks) END $$`;

/**
 * Copies of every order the product has taken, with all that each left behind, moved into the past so that they lie beside
 * one another and not among each other, as orders do that came at another time. Then what autovacuum and checkpointer would do.
 */
export async function copyOrders(databaseUrl: string, copies: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(MOVED);
    const ticks = await ticksOf(client);
    const inserts: ((ticks: number) => string)[] = [];
    for (const table of REMAINS) inserts.push(await insertOf(client, table));
    for (let copy = 1; copy <= copies; copy++) {
      await client.query(`BEGIN; ${inserts.map((insert) => insert(copy * ticks)).join(';')}; COMMIT`);
      if (copy % 10 === 0) progress(`growth: ${copy} of ${copies} copies`);
    }
    await client.query('VACUUM ANALYZE');
    // The pages of the copies are written now, and not while an order is measured.
    await client.query('CHECKPOINT');
    await client.query('DROP FUNCTION public.moved; DROP FUNCTION public.moved_digits');
  } finally {
    await client.end();
  }
}

/** How far one copy must be moved to lie before the one after it. */
async function ticksOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ seconds: number }>(
    `SELECT extract(epoch FROM max(updated_at) - min(created_at))::float8 AS seconds FROM orders.orders`,
  );
  return Math.ceil(rows[0]!.seconds / TICK_SECONDS) + 1;
}

/** The statement that copies the rows of the product's own time, so many ticks into the past. */
async function insertOf(client: Client, table: string): Promise<(ticks: number) => string> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, atttypid::regtype::text AS type FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  await client.query(`CREATE TEMP TABLE ${table.replace('.', '_')} AS SELECT * FROM ${table}`);
  const columns = rows.map(({ name }) => `"${name}"`).join(', ');
  return (ticks) => {
    const values = rows.map(({ name, type }) => {
      if (type === 'uuid') return `public.moved("${name}"::text, ${ticks})::uuid`;
      if (type === 'timestamp with time zone') return `"${name}" - interval '${ticks * TICK_SECONDS} s'`;
      return type === 'text' && NAMES.includes(name) ? `public.moved("${name}", ${ticks})` : `"${name}"`;
    });
    return `INSERT INTO ${table} (${columns}) SELECT ${values.join(', ')} FROM pg_temp.${table.replace('.', '_')}`;
  };
}
