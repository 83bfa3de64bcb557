import { type ModuleName, MODULES } from '../../src/config/settings.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import { aHouse } from '../support/house.js';

const database = useDatabase();
const vhost = useVhost();

const PATHS: Record<ModuleName, string> = {
  orders: '/v1/orders',
  payments: '/v1/payments?orderId=ord_1',
  inventory: '/v1/items',
  notifications: '/v1/notifications?orderId=ord_1',
};
const PARTS = Array.from({ length: 2 ** MODULES.length - 1 }, (_, bits) =>
  MODULES.filter((_, i) => ((bits + 1) >> i) & 1),
);

describe('any part of the house', () => {
  it.each(PARTS.map((part) => [part.join(','), part] as const))('starts: %s', async (names, part) => {
    const house = await aHouse({
      ...{ DATABASE_URL: database.url, RABBITMQ_URL: vhost.url, MODULES: names },
      INVENTORY_GRPC_URL: 'ipv4:127.0.0.1:1', // nobody is there: no start waits for it
    });
    try {
      const ready = await house.rest.get('/readyz');
      const asks = part.includes('orders') && !part.includes('inventory');
      expect([ready.status, ready.body.checks.inventory]).toEqual([200, asks ? 'degraded' : undefined]);
      for (const module of MODULES) {
        const { status } = await house.rest.get(PATHS[module]);
        expect([module, status]).toEqual([module, part.includes(module) ? 200 : 421]);
      }
    } finally {
      await house.close();
    }
  });
});
