import { Injectable } from '@nestjs/common';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { Item, Quote } from './index.js';
import { type ItemRow, toItem } from './item.schema.js';

/** How many pieces came or went, and by how much the version rises. */
export interface Change {
  sku: string;
  available: number;
  reserved: number;
  sold: number;
  received: number;
  version: number;
}

/** Items: sets in and out, one statement each, always locked in the order of their SKUs so that sets never wait in a circle. */
@Injectable()
export class InventoryRepository {
  async find(tx: Tx, skus: string[]): Promise<Map<string, Item>> {
    return bySku(await tx.rows<Row>(FIND, [skus]));
  }

  async quotes(tx: Tx, skus: string[]): Promise<Map<string, Quote>> {
    const rows = await tx.rows<Quote & Record<string, unknown>>(QUOTES, [skus]);
    return new Map(rows.map((row) => [row.sku, row]));
  }

  /** Locks items; one that is not there has no entry. */
  async forUpdate(tx: Tx, skus: string[]): Promise<Map<string, Item>> {
    if (skus.length === 0) return new Map();
    return bySku(await tx.rows<Row>(FOR_UPDATE, [skus]));
  }

  /** Creates or renames and prices items, each SKU once; `version` is how much it rises. Answers them as they are now. */
  async put(
    tx: Tx,
    items: Pick<Item, 'sku' | 'name' | 'currency' | 'unitPrice' | 'version'>[],
  ): Promise<Map<string, Item>> {
    return bySku(
      await tx.rows<Row>(PUT, [
        items.map((i) => i.sku),
        items.map((i) => i.name),
        items.map((i) => i.currency),
        items.map((i) => i.unitPrice),
        items.map((i) => i.version),
      ]),
    );
  }

  /** Changes locked items, each SKU once, and answers when. */
  async change(tx: Tx, changes: Change[]): Promise<Map<string, string>> {
    if (changes.length === 0) return new Map();
    const rows = await tx.rows<{ sku: string; at: Date }>(CHANGE, columns(changes));
    return new Map(rows.map(({ sku, at }) => [sku, at.toISOString()]));
  }

  /** The same where nobody asks when. */
  move(tx: Tx, changes: Change[]): void {
    if (changes.length > 0) tx.write(CHANGE, columns(changes));
  }
}

const columns = (changes: Change[]): unknown[] =>
  (['sku', 'available', 'reserved', 'sold', 'received', 'version'] as const).map((name) => changes.map((c) => c[name]));

type Row = ItemRow & Record<string, unknown>;

const bySku = (rows: Row[]): Map<string, Item> => new Map(rows.map((row) => [row.sku, toItem(row)]));

const COLUMNS = `i.sku, i.name, i.currency, i.unit_price::float8 AS "unitPrice", i.available::float8 AS available,
  i.reserved::float8 AS reserved, i.sold::float8 AS sold, i.version::float8 AS version, i.updated_at AS "updatedAt"`;

const FIND = sql('inventory.find', `SELECT ${COLUMNS} FROM inventory.items i WHERE i.sku = ANY($1::text[])`);

const QUOTES = sql(
  'inventory.quotes',
  `SELECT sku, name, currency, unit_price::float8 AS "unitPrice" FROM inventory.items WHERE sku = ANY($1::text[])`,
);

const FOR_UPDATE = sql(
  'inventory.for-update',
  `SELECT ${COLUMNS} FROM inventory.items i WHERE i.sku = ANY($1::text[]) ORDER BY i.sku FOR UPDATE`,
);

// clock_timestamp(), read once the row is locked: now() is when the transaction began, so a later version could look older.
const PUT = sql(
  'inventory.put',
  `INSERT INTO inventory.items AS i (sku, name, currency, unit_price, version)
   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) u(s, n, c, p, v) ORDER BY s COLLATE "C"
   ON CONFLICT (sku) DO UPDATE SET name = excluded.name, currency = excluded.currency, unit_price = excluded.unit_price,
          version = i.version + excluded.version, updated_at = clock_timestamp()
   RETURNING ${COLUMNS}`,
);

const CHANGE = sql(
  'inventory.change',
  `UPDATE inventory.items i SET available = i.available + u.a, reserved = i.reserved + u.r, sold = i.sold + u.s,
          received = i.received + u.t, version = i.version + u.v, updated_at = clock_timestamp()
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) u(k, a, r, s, t, v)
    WHERE i.sku = u.k RETURNING i.sku, i.updated_at AS at`,
);
