import { setTimeout as sleep } from 'node:timers/promises';
import { item, ITEMS, STOCK } from '../load/orders.js';

/** Puts the bench's items on the shelf of a running product, through its own gate. */
export async function prepareSanmon(origin: string, key: string): Promise<void> {
  const call = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    await answer.text();
  };
  await Promise.all(
    Array.from({ length: ITEMS }, async (_, n) => {
      const { sku, ...rest } = item(n);
      await call('PUT', `/v1/items/${sku}`, rest);
      await call('POST', `/v1/items/${sku}/receipts`, { quantity: STOCK });
    }),
  );
  // The events of these items leave the outbox before the database becomes a template.
  await sleep(1_000);
}
