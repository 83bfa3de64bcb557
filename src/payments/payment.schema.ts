import { EntitySchema, type ValueTransformer } from 'typeorm';
import type { PaymentRecord } from './payment-record.js';

/** pg hands bigint over as text; all amounts end at 10^12, far below where a number loses integers. */
const minorUnits: ValueTransformer = {
  to: (amount: number | null) => amount,
  from: (text: string | null) => (text === null ? null : Number(text)),
};

/** The table of payments as TypeORM sees it; lists are read through it. */
export const PaymentSchema = new EntitySchema<PaymentRecord>({
  name: 'Payment',
  schema: 'payments',
  tableName: 'payments',
  columns: {
    id: { type: 'text', primary: true, collation: 'C' },
    orderId: { type: 'text', name: 'order_id', unique: true, collation: 'C' },
    customerId: { type: 'text', name: 'customer_id', collation: 'C' },
    state: { type: 'text' },
    effect: { type: 'text', nullable: true },
    undo: { type: 'boolean' },
    currency: { type: 'text' },
    amount: { type: 'bigint', transformer: minorUnits },
    refunded: { type: 'bigint', default: 0, transformer: minorUnits },
    refunding: { type: 'bigint', nullable: true, transformer: minorUnits },
    refunds: { type: 'integer', default: 0 },
    provider: { type: 'text' },
    reference: { type: 'text', nullable: true },
    reason: { type: 'text', nullable: true },
    createdAt: { type: 'timestamptz', name: 'created_at', default: () => 'now()' },
    updatedAt: { type: 'timestamptz', name: 'updated_at', default: () => 'now()' },
  },
});
