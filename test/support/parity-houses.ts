import { MODULES } from '../../src/config/settings.js';
import { Caller } from './caller.js';
import { eventually } from './eventually.js';
import { cloneDatabase, dropClone, takeVhost } from './fixtures.js';
import { API_KEYS, aHouse, type TestHouse } from './house.js';

/** A house with its caller. */
export interface Aside {
  house: TestHouse;
  caller: Caller;
}

/** Houses beside the one that is tried, for what one house in one process cannot show. */
export class HousesAside {
  private constructor(
    readonly databaseUrl: string,
    /** Everything but notifications, and notifications alone: two processes of one house. */
    readonly most: Aside,
    readonly mail: Aside,
    /** One call a second for each caller. */
    readonly slow: Aside,
    private readonly databases: string[],
  ) {}

  static async open(): Promise<HousesAside> {
    const databases = await Promise.all([cloneDatabase(), cloneDatabase()]);
    const [split, limited] = databases;
    const shared = { DATABASE_URL: split, RABBITMQ_URL: await takeVhost(), API_KEYS };
    const most = await aside({ ...shared, MODULES: 'orders,inventory,payments' });
    const mail = await aside({ ...shared, MODULES: 'notifications' });
    const slow = await aside({
      ...{ DATABASE_URL: limited, RABBITMQ_URL: await takeVhost(), RATE_LIMIT_PER_SECOND: '1' },
      MODULES: MODULES.join(','),
    });
    return new HousesAside(split, most, mail, slow, databases);
  }

  async close(): Promise<void> {
    for (const { house, caller } of [this.most, this.mail, this.slow]) {
      caller.close();
      await house.close();
    }
    await Promise.all(this.databases.map(dropClone));
  }
}

async function aside(environment: Parameters<typeof aHouse>[0]): Promise<Aside> {
  const house = await aHouse(environment);
  // What is published before its queue is bound goes nowhere.
  await eventually(async () => expect((await house.rest.get('/readyz')).body.status).toBe('ok'));
  return { house, caller: new Caller(house) };
}
