import { sql } from '../../src/database/statement.js';
import { useHouse } from '../support/use-house.js';

const at = useHouse();

it('a house whose connections are all in use, and come back late, is ready: it is busy, not down', async () => {
  const { database } = at.house.house.foundations.traffic.of('orders');
  const slow = sql('test.slow', 'SELECT pg_sleep(0.1)');
  let over = false;
  // Twenty times as many as the pool has: whoever asks through it waits for two seconds, twice as long as a probe.
  const busy = Array.from({ length: 480 }, async () => {
    while (!over) await database.rows(slow);
  });
  const said: number[] = [];
  try {
    await database.rows(slow);
    for (let n = 0; n < 5; n++) said.push((await at.house.rest.get('/readyz')).status);
  } finally {
    over = true;
    await Promise.all(busy);
  }
  expect(said).toEqual([200, 200, 200, 200, 200]);
}, 60_000);
