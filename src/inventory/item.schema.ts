import { EntitySchema } from 'typeorm';
import type { Item } from './index.js';

/** A row of `inventory.items`, by the names of the contract. */
export interface ItemRow extends Omit<Item, 'updatedAt'> {
  received: number;
  updatedAt: Date;
}

/** PostgreSQL's bigint reaches Node as text; all of ours are at most 10^12. */
const whole = { type: 'bigint', transformer: { from: Number, to: (value: number) => value } } as const;

export const ItemSchema = new EntitySchema<ItemRow>({
  name: 'Item',
  schema: 'inventory',
  tableName: 'items',
  columns: {
    sku: { type: 'text', primary: true, collation: 'C' },
    name: { type: 'text' },
    currency: { type: 'text' },
    unitPrice: { ...whole, name: 'unit_price' },
    available: { ...whole, default: 0 },
    reserved: { ...whole, default: 0 },
    sold: { ...whole, default: 0 },
    received: { ...whole, default: 0 },
    version: { ...whole, default: 1 },
    updatedAt: { type: 'timestamptz', name: 'updated_at', default: () => 'clock_timestamp()' },
  },
});

/** A row as the contract shows it. */
export const toItem = ({ received: _, updatedAt, ...row }: ItemRow): Item => ({
  ...row,
  updatedAt: updatedAt.toISOString(),
});
