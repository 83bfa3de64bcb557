import { SETTINGS } from '../settings.js';
import { messagePath, prepare, prices, transaction } from './database.js';
import { insertOrders, ORDERS_TABLE, serve } from './gate.js';
import { type Handle, Outbox, takeIn } from './message-path.js';

// L: what is possible by hand on node:http, pg and amqplib with one hop: everything in sets, outbox and inbox, nothing
// of Nest, no access control, no idempotency, messages travel one by one. On any trouble it simply ends.

const QUEUE = 'pipeline';

const confirm: Handle = async (run, messages) => {
  await run(`UPDATE orders SET state = 'CONFIRMED', updated_at = now() WHERE id = ANY($1::uuid[])`, [
    messages.map((m) => (m.body as { id: string }).id),
  ]);
  return [];
};

if (SETTINGS.prepare) {
  await prepare(`${ORDERS_TABLE} ${messagePath(QUEUE)}`);
  process.exit(0);
}
const outbox = new Outbox(QUEUE, { envelope: 1 });
await takeIn(QUEUE, outbox, confirm, false);
serve(await prices(), async (orders) => {
  await transaction(async (run) => {
    await insertOrders(run, orders);
    await outbox.write(
      run,
      orders.map(({ id, total }) => ({ route: QUEUE, type: 'order-placed', body: { id, total } })),
    );
  });
  outbox.wake();
});
