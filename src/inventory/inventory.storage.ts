import type { Storage } from '../database/data-sources.js';
import { ItemSchema } from './item.schema.js';
import { Inventory1700000000001 } from './migrations/0001-inventory.js';
import { InventoryRepair1700000000002 } from './migrations/0002-repair.js';
import { InventoryTraces1700000000003 } from './migrations/0003-traces.js';
import { InventoryRoom1700000000004 } from './migrations/0004-room.js';

/** What inventory stores. */
export const inventoryStorage: Storage = {
  schema: 'inventory',
  entities: [ItemSchema],
  migrations: [
    Inventory1700000000001,
    InventoryRepair1700000000002,
    InventoryTraces1700000000003,
    InventoryRoom1700000000004,
  ],
};
