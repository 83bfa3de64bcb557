import { EntitySchema } from 'typeorm';
import type { NotificationChannel, NotificationState } from './index.js';
import type { Kind } from './kind.js';

/** A row of `notifications.notifications`. */
export interface NotificationRow {
  id: string;
  orderId: string;
  customerId: string;
  kind: Kind;
  channel: NotificationChannel;
  to: string;
  subject: string;
  text: string;
  html: string | null;
  state: NotificationState;
  /** Tries, once it is SENT or FAILED; before, its effect counts them. */
  attempts: number;
  at: Date;
}

const text = { type: 'text' } as const;

export const NotificationSchema = new EntitySchema<NotificationRow>({
  name: 'Notification',
  schema: 'notifications',
  tableName: 'notifications',
  columns: {
    id: { ...text, primary: true, collation: 'C' },
    orderId: { ...text, name: 'order_id', collation: 'C' },
    customerId: { ...text, name: 'customer_id', collation: 'C' },
    kind: text,
    channel: { ...text, default: 'EMAIL' },
    to: text,
    subject: text,
    text,
    html: { ...text, nullable: true },
    state: { ...text, default: 'PENDING' },
    attempts: { type: 'integer', default: 0 },
    at: { type: 'timestamptz', default: () => 'now()' },
  },
});
