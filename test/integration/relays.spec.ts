import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { Database } from '../../src/database/database.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import type { Carrier } from '../../src/messaging/outbox/carrier.js';
import type { Outgoing } from '../../src/messaging/message.js';
import { Outbox } from '../../src/messaging/outbox/outbox.js';
import { Birth } from '../../src/messaging/birth.js';
import { Relay } from '../../src/messaging/outbox/relay.js';
import { useDatabase } from '../support/fixtures.js';

const RELAYS = 4;
const WRITERS = 8;
const [TRANSACTIONS, KEYS] = [150, 5];

const database = useDatabase();
let source: DataSource;
beforeAll(async () => {
  source = await dataSourceFor(database.url, [], RELAYS + WRITERS).initialize();
});
afterAll(() => source?.destroy());

/** Writes down what it is given, in the order in which it came. */
class Ledger implements Carrier {
  readonly name = 'local';
  readonly carried: { key: string; n: number }[] = [];
  readonly ready = (): boolean => true;
  open(): void {}
  async close(): Promise<void> {}

  async carry(_tx: unknown, rows: Outgoing[]): Promise<boolean[]> {
    for (const { key, body } of rows) this.carried.push({ key, n: (JSON.parse(body) as { n: number }).n });
    await sleep(Math.random() * 3);
    return rows.map(() => true);
  }
}

it(`${RELAYS} relays over one outbox carry each message once, and those of one key in order (T25)`, async () => {
  const ledger = new Ledger();
  const home = new Database(source);
  const outbox = new Outbox('orders', false, () => undefined);
  let writing = WRITERS;

  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < TRANSACTIONS; n++)
      await home.transaction(async (tx) => {
        const rows = Array.from({ length: KEYS }, (_, k) => ({
          ...{ route: 'internal:orders', key: `key-${writer}-${k}`, type: 'orders.of-a-test', id: v7() },
          ...{ headers: null, body: JSON.stringify({ n }) },
        }));
        outbox.write(tx, rows);
      });
    writing--;
  };
  const carry = async (): Promise<void> => {
    const relay = new Relay('orders', { database: home, birth: new Birth(home) }, ledger);
    for (let idle = 0; writing > 0 || idle < 3;) {
      const progress = await relay.step();
      idle = progress === 'idle' && writing === 0 ? idle + 1 : 0;
      if (progress !== 'more') await sleep(1);
    }
  };
  await Promise.all([...Array.from({ length: WRITERS }, (_, w) => write(w)), ...Array.from({ length: RELAYS }, carry)]);

  const byKey = new Map<string, number[]>();
  for (const { key, n } of ledger.carried) byKey.set(key, [...(byKey.get(key) ?? []), n]);
  const expected = Array.from({ length: TRANSACTIONS }, (_, n) => n);
  const wrong = [...byKey].filter(([, numbers]) => String(numbers) !== String(expected));
  expect({ keys: byKey.size, carried: ledger.carried.length, wrong: wrong.slice(0, 2) }).toEqual({
    ...{ keys: WRITERS * KEYS, carried: WRITERS * KEYS * TRANSACTIONS, wrong: [] },
  });
}, 60_000);
