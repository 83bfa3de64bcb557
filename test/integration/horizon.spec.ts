import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { Database } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import { Horizon } from '../../src/messaging/horizon.js';
import { useDatabase } from '../support/fixtures.js';

const database = useDatabase();

it('tells which session keeps deleted rows from being cleaned up, and when that is over', async () => {
  const source = await dataSourceFor(database.url, [], 2).initialize();
  const stranger = new Client({ connectionString: database.url, application_name: 'a report of somebody' });
  await stranger.connect();
  const alarms = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  try {
    const look = () => new Horizon(new Database(source), 0.2).step();
    await look();
    expect(alarms).not.toHaveBeenCalled();
    await stranger.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await stranger.query('SELECT count(*), pg_sleep(0.3) FROM orders.orders');
    await look();
    expect(alarms).toHaveBeenCalledWith(
      expect.stringMatching(/a report of somebody, idle in transaction\) has a transaction open/),
    );
    await stranger.query('ROLLBACK');
    alarms.mockClear();
    await look();
    expect(alarms).not.toHaveBeenCalled();
  } finally {
    alarms.mockRestore();
    await stranger.end();
    await source.destroy();
  }
});
