import { sql } from '../../src/database/statement.js';
import { useHouse } from '../support/use-house.js';

const at = useHouse();

it('a house whose connections are all in use, and come back late, is ready: it is busy, not down', async () => {
  const { database } = at.house.house.foundations.traffic.of('orders');
  const slow = sql('test.slow', 'SELECT pg_sleep(0.1)');
  let over = false;
  // Fifteen times as many as the pool has: whoever asks through it waits for 1.5 s, longer than a probe.
  const busy = Array.from({ length: 360 }, async () => {
    while (!over) await database.rows(slow).catch(() => undefined);
  });
  const said: number[] = [];
  try {
    await database.rows(slow);
    for (let n = 0; n < 5; n++) said.push((await at.house.rest.get('/readyz')).status);
  } finally {
    over = true;
    await Promise.all(busy);
  }
  // One may meet a stall; were a probe to ask through the pool, none would be answered in time.
  expect(said.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
});
