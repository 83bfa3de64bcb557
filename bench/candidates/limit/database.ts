import { Pool, type PoolClient } from 'pg';
import { item, ITEMS, STOCK } from '../../load/orders.js';
import { SETTINGS } from '../settings.js';

/** Runs one statement that the server has prepared under its own text. */
export type Run = <R extends object>(text: string, values?: unknown[]) => Promise<R[]>;

export const pool = new Pool({ connectionString: SETTINGS.databaseUrl, max: 16 });
const names = new Map<string, string>();

const runOn =
  (client: Pool | PoolClient): Run =>
  async <R extends object>(text: string, values: unknown[] = []) => {
    let name = names.get(text);
    if (!name) names.set(text, (name = `s${names.size}`));
    return (await client.query<R>({ name, text, values })).rows;
  };

/** One statement, its own transaction. */
export const run: Run = runOn(pool);

/** Several statements in one transaction. */
export async function transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(runOn(client));
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    client.release(true); // closing the connection is the rollback
    throw error;
  }
}

/** Column by column, as `unnest` takes a set: every row of a set in one statement. */
export const columns = <T>(rows: T[], ...of: ((row: T) => unknown)[]): unknown[][] =>
  of.map((value) => rows.map(value));

export interface Price {
  name: string;
  unitPrice: number;
}

const MEMORY = 'WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)';

/** The tables of a message path: what is to be sent, and what has been handled. */
export const messagePath = (schema: string): string => `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.outbox (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, route text NOT NULL,
    type text NOT NULL, id uuid NOT NULL, body text NOT NULL) ${MEMORY};
  CREATE TABLE ${schema}.seen (id uuid PRIMARY KEY);`;

/** Makes the tables, fills the shelf, and ends. */
export async function prepare(tables: string): Promise<void> {
  await pool.query(`${tables}
    CREATE TABLE items (sku text PRIMARY KEY, name text NOT NULL, unit_price bigint NOT NULL, available bigint NOT NULL,
      reserved bigint NOT NULL DEFAULT 0, sold bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)`);
  const shelf = Array.from({ length: ITEMS }, (_, n) => item(n));
  await run(
    'INSERT INTO items (sku, name, unit_price, available) SELECT s, n, u, $4 FROM unnest($1::text[], $2::text[], $3::bigint[]) x(s, n, u)',
    [
      ...columns(
        shelf,
        (i) => i.sku,
        (i) => i.name,
        (i) => i.unitPrice,
      ),
      STOCK,
    ],
  );
  await pool.end();
}

/** What each item costs; read once. */
export async function prices(): Promise<Map<string, Price>> {
  const rows = await run<{ sku: string } & Price>('SELECT sku, name, unit_price::int AS "unitPrice" FROM items');
  return new Map(rows.map((row) => [row.sku, row]));
}
