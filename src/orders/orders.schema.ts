import { EntitySchema } from 'typeorm';

/** A row of `orders.orders`, as TypeORM reads it for lists. */
export interface OrderRow {
  id: string;
  state: string;
  customerId: string;
  email: string;
  currency: string;
  lines: unknown;
  total: string;
  reason: string | null;
  paymentMethod: string;
  locale: string;
  note: string | null;
  version: number;
  ending: string | null;
  paymentUndone: boolean;
  stockUndone: boolean;
  confirmedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

const text = { type: 'text' } as const;
const nullable = { type: 'text', nullable: true } as const;

export const OrderSchema = new EntitySchema<OrderRow>({
  name: 'Order',
  schema: 'orders',
  tableName: 'orders',
  columns: {
    id: { ...text, primary: true, collation: 'C' },
    state: text,
    customerId: { ...text, name: 'customer_id' },
    email: text,
    currency: text,
    lines: { type: 'jsonb' },
    total: { type: 'bigint' },
    reason: nullable,
    paymentMethod: { ...text, name: 'payment_method' },
    locale: text,
    note: nullable,
    version: { type: 'integer' },
    ending: nullable,
    paymentUndone: { type: 'boolean', name: 'payment_undone', default: false },
    stockUndone: { type: 'boolean', name: 'stock_undone', default: false },
    confirmedAt: { type: 'timestamptz', name: 'confirmed_at', nullable: true },
    createdAt: { type: 'timestamptz', name: 'created_at', default: () => 'now()' },
    updatedAt: { type: 'timestamptz', name: 'updated_at', default: () => 'now()' },
  },
});
