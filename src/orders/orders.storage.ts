import type { Storage } from '../database/data-sources.js';
import { Orders1700000000001 } from './migrations/0001-orders.js';
import { OrdersRepair1700000000002 } from './migrations/0002-repair.js';
import { OrdersLive1700000000003 } from './migrations/0003-live.js';
import { OrdersTraces1700000000004 } from './migrations/0004-traces.js';
import { OrdersTimelineTraces1700000000005 } from './migrations/0005-timeline-traces.js';
import { OrdersPages1700000000006 } from './migrations/0006-pages.js';
import { OrdersRoom1700000000007 } from './migrations/0007-room.js';
import { OrderSchema } from './orders.schema.js';

/** What orders stores. */
export const ordersStorage: Storage = {
  schema: 'orders',
  entities: [OrderSchema],
  migrations: [
    Orders1700000000001,
    OrdersRepair1700000000002,
    OrdersLive1700000000003,
    OrdersTraces1700000000004,
    OrdersTimelineTraces1700000000005,
    OrdersPages1700000000006,
    OrdersRoom1700000000007,
  ],
};
