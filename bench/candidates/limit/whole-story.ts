import { startSandbox } from '../../../src/payments/providers/sandbox/server.js';
import { SETTINGS } from '../settings.js';
import { messagePath, prepare, prices, transaction } from './database.js';
import { ORDERS_TABLE, serve } from './gate.js';
import { declareEvents, Outbox, type Shape, takeIn } from './message-path.js';
import { INVENTORY_TABLES, inventory } from './story-inventory.js';
import { NOTIFICATIONS_TABLES, notificationsOver } from './story-notifications.js';
import { advanceOrders, ORDERS_TABLES, placeAll } from './story-orders.js';
import { PAYMENTS_TABLES, paymentsOver } from './story-payments.js';

// L8: the limit with the product's whole story: the same eight messages between the modules, the same transactions, the
// same three effects (authorise, capture, mail) at the same provider in the same process, the same eight public events.
// What it leaves out: Nest, validation beyond the necessary, access control, idempotency, signatures, timers, retries,
// lanes, parking, repair. On any trouble it simply ends.

const MODULES = ['orders', 'payments', 'inventory', 'notifications'] as const;
const SHAPE: Shape = { envelope: 50, events: 'limit.events' };

if (SETTINGS.prepare) {
  const paths = MODULES.map(messagePath).join('');
  const tables = [ORDERS_TABLE, ORDERS_TABLES, paths, PAYMENTS_TABLES, INVENTORY_TABLES, NOTIFICATIONS_TABLES];
  await prepare(tables.join('\n'));
  process.exit(0);
}

const provider = await startSandbox({ databaseUrl: SETTINGS.databaseUrl, warn: console.error });
await declareEvents(SHAPE.events!);
const outboxes = Object.fromEntries(MODULES.map((module) => [module, new Outbox(module, SHAPE)]));
const handlers = {
  orders: advanceOrders,
  payments: paymentsOver(provider.url, outboxes['payments']!),
  inventory,
  notifications: notificationsOver(outboxes['notifications']!),
};
for (const module of MODULES) await takeIn(module, outboxes[module]!, handlers[module], true);
serve(await prices(), async (orders) => {
  await transaction(async (run) => outboxes['orders']!.write(run, await placeAll(run, orders)));
  outboxes['orders']!.wake();
});
