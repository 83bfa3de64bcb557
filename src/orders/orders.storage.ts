import type { Storage } from '../database/data-sources.js';
import { Orders1700000000001 } from './migrations/0001-orders.js';
import { OrdersRepair1700000000002 } from './migrations/0002-repair.js';
import { OrderSchema } from './orders.schema.js';

/** What orders stores. */
export const ordersStorage: Storage = {
  schema: 'orders',
  entities: [OrderSchema],
  migrations: [Orders1700000000001, OrdersRepair1700000000002],
};
