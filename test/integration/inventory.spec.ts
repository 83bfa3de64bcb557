import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { SCOPES } from '../../src/access/principal.js';
import { Database } from '../../src/database/database.js';
import { dataSourceFor, opened } from '../../src/database/data-sources.js';
import { Tx } from '../../src/database/transaction.js';
import { Failure } from '../../src/failure.js';
import type { Asked, UseCase } from '../../src/gates/asked.js';
import { Execution } from '../../src/gates/execution.js';
import { GatesModule } from '../../src/gates/gates.module.js';
import { configureHttp } from '../../src/gates/http/http.js';
import { operationOf } from '../../src/gates/operation.js';
import { GetItem, GetItemHandler } from '../../src/inventory/get-item.js';
import { HoldsRepository } from '../../src/inventory/holds.repository.js';
import { type Item, QuoteItems, ReserveStock, SellStock, UndoStock } from '../../src/inventory/index.js';
import { InventoryModule } from '../../src/inventory/inventory.module.js';
import { InventoryRepository } from '../../src/inventory/inventory.repository.js';
import { inventoryStorage } from '../../src/inventory/inventory.storage.js';
import { type ItemPage, ListItems, ListItemsHandler } from '../../src/inventory/list-items.js';
import { MoveStock } from '../../src/inventory/move-stock.js';
import { PutItem, PutItemHandler } from '../../src/inventory/put-item.js';
import { ReceiveStock, ReceiveStockHandler } from '../../src/inventory/receive-stock.js';
import { type MessageClass, messageOf } from '../../src/messaging/contract.js';
import { Handlers } from '../../src/messaging/handlers.js';
import type { Message } from '../../src/messaging/message.js';
import { MessagesStrategy } from '../../src/messaging/messages.strategy.js';
import { MessagingModule } from '../../src/messaging/messaging.module.js';
import { Outbox } from '../../src/messaging/outbox/outbox.js';
import { Signature } from '../../src/messaging/outbox/signature.js';
import { Traffic } from '../../src/messaging/traffic.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';

type Told = Message<ReserveStock | SellStock | UndoStock>;

const borrowed = useDatabase();
const items = new InventoryRepository();
const outbox = new Outbox('inventory', true, () => undefined);
const moveStock = new MoveStock(items, new HoldsRepository(), outbox);
const putItem = new PutItemHandler(items, outbox);
const receiveStock = new ReceiveStockHandler(items, outbox);
const getItem = new GetItemHandler(items);
let source: DataSource;
let database: Database;
let execution: Execution;

beforeAll(async () => {
  const made = dataSourceFor(borrowed.url, [inventoryStorage]);
  // Up to 120 transactions stand in line here, for 24 connections and for one row: they may, however slow the machine is.
  const { extra } = made.options as { extra: { connectionTimeoutMillis: number; options: string } };
  extra.connectionTimeoutMillis = 60_000;
  extra.options += ' -c lock_timeout=60s -c statement_timeout=60s';
  source = await opened(made, [inventoryStorage]);
  database = new Database(source);
  execution = new Execution('inventory', database);
});
beforeEach(() => source.query('TRUNCATE inventory.items, inventory.holds, inventory.outbox'));
afterEach(() => jest.restoreAllMocks());
afterAll(() => source?.destroy());

const told = <B extends { orderId: string }>(type: MessageClass<B>, body: B) => ({
  id: v7(),
  type: messageOf(type).type,
  key: body.orderId,
  body,
});
const reserve = (orderId: string, ...lines: [sku: string, quantity: number][]): Told =>
  told(ReserveStock, { orderId, lines: lines.map(([sku, quantity]) => ({ sku, quantity })) });
const sell = (orderId: string): Told => told(SellStock, { orderId });
const undo = (orderId: string): Told => told(UndoStock, { orderId });
const move = (...set: Told[]) => database.transaction((tx) => moveStock.handle(tx, set));

function asked<C extends object>(type: new () => C, command: Partial<C>): Asked<C> {
  const by = { name: 'tester', scopes: new Set(SCOPES) };
  return { id: v7(), operation: operationOf(type), command: Object.assign(new type(), command), by };
}
const put = (sku: string, unitPrice = 100, name = sku) => asked(PutItem, { sku, name, currency: 'EUR', unitPrice });
const receive = (sku: string, quantity: number) => asked(ReceiveStock, { sku, quantity });

async function outcomes<C extends object, R>(useCase: UseCase<C, R>, set: Asked<C>[]): Promise<(R | Failure)[]> {
  if (set.length === 0) return [];
  const run = set[0]!.operation.kind === 'query' ? execution.ask(useCase, set) : execution.run(useCase, set);
  return (await run).map((answer) => answer.outcome);
}

/** Puts items and receives so much of each; forgets the events of it. */
async function stocked(pieces: Record<string, number>): Promise<void> {
  await outcomes(
    putItem,
    Object.keys(pieces).map((sku) => put(sku)),
  );
  await outcomes(
    receiveStock,
    Object.entries(pieces).flatMap(([sku, quantity]) => (quantity > 0 ? [receive(sku, quantity)] : [])),
  );
  await source.query('TRUNCATE inventory.outbox');
}

const itemOf = async (sku: string) => (await outcomes(getItem, [asked(GetItem, { sku })]))[0] as Item;
const piecesOf = async (sku: string): Promise<number[]> => {
  const { available, reserved, sold } = await itemOf(sku);
  return [available, reserved, sold];
};
/** How many transactions of this database wait for another one. */
const waiting = async () => {
  const rows: { n: number }[] = await source.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0]!.n;
};
const holdOf = async (orderId: string): Promise<string | undefined> => {
  const rows: { state: string }[] = await source.query('SELECT state FROM inventory.holds WHERE order_id = $1', [
    orderId,
  ]);
  return rows[0]?.state;
};

/** What an order's messages say, in the order in which they leave; an event that goes to both worlds counts once. */
async function said(orderId: string): Promise<string[]> {
  const rows: { type: string }[] = await source.query(
    'SELECT type FROM inventory.outbox WHERE key = $1 GROUP BY message_id, type ORDER BY min(seq)',
    [orderId],
  );
  return rows.map(({ type }) => /^inventory\.stock-(.*)\.v1$/.exec(type)![1]!);
}

describe('moving stock', () => {
  it('gives 10 of 200 orders that come at the same time the 10 pieces there are', async () => {
    await stocked({ TEA: 10 });
    const all = Array.from({ length: 200 }, (_, i) => reserve(`ord_${i}`, ['TEA', 1]));
    await Promise.all(Array.from({ length: 25 }, (_, i) => move(...all.slice(i * 8, i * 8 + 8))));
    const states: { state: string; n: number }[] = await source.query(
      'SELECT state, count(*)::int AS n FROM inventory.holds GROUP BY state ORDER BY state',
    );
    expect(states).toEqual([
      { state: 'HELD', n: 10 },
      { state: 'REFUSED', n: 190 },
    ]);
    expect(await piecesOf('TEA')).toEqual([0, 10, 0]);
  });

  it('takes all lines of an order or none, and nothing for an unknown SKU', async () => {
    await stocked({ CUP: 5, TEA: 1 });
    await move(
      reserve('both', ['CUP', 2], ['TEA', 1]),
      reserve('short', ['CUP', 2], ['TEA', 1]),
      reserve('unknown', ['CUP', 1], ['NONE', 1]),
    );
    expect(await Promise.all(['both', 'short', 'unknown'].map(holdOf))).toEqual(['HELD', 'REFUSED', 'REFUSED']);
    expect(await piecesOf('CUP')).toEqual([3, 2, 0]);
    expect(await piecesOf('TEA')).toEqual([0, 1, 0]);
    expect(await said('unknown')).toEqual(['refused']);
  });

  it('follows an order from its reservation over the sale to its undoing', async () => {
    await stocked({ TEA: 3 });
    await move(reserve('o', ['TEA', 2]));
    expect(await piecesOf('TEA')).toEqual([1, 2, 0]);
    await move(sell('o'));
    expect(await piecesOf('TEA')).toEqual([1, 0, 2]);
    await move(undo('o'));
    expect(await piecesOf('TEA')).toEqual([3, 0, 0]);
    expect(await said('o')).toEqual(['reserved', 'sold', 'released', 'undone']);
    const [released] = await source.query<{ body: string }[]>(
      `SELECT body FROM inventory.outbox WHERE type = 'inventory.stock-released.v1'`,
    );
    expect(JSON.parse(released!.body)).toEqual({ orderId: 'o', lines: [{ sku: 'TEA', quantity: 2 }] });
  });

  it('answers again what it is told again, and moves nothing twice', async () => {
    await stocked({ TEA: 3 });
    for (const message of [reserve('o', ['TEA', 2]), sell('o'), undo('o')]) {
      await move(message);
      await move({ ...message, id: v7() });
    }
    await move(reserve('o', ['TEA', 2]));
    expect(await piecesOf('TEA')).toEqual([3, 0, 0]);
    expect((await said('o')).join(' ')).toBe('reserved reserved sold sold released undone undone refused');
  });

  it('leaves a tombstone when undo comes first, so that a later reserve is refused', async () => {
    await stocked({ TEA: 3 });
    await move(undo('o'));
    await move(reserve('o', ['TEA', 1]));
    expect(await holdOf('o')).toBe('GONE');
    expect(await piecesOf('TEA')).toEqual([3, 0, 0]);
    expect(await said('o')).toEqual(['undone', 'refused']);
  });

  it('refuses to sell what is not held, and does the rest of the set', async () => {
    await stocked({ TEA: 3 });
    const [refused, fine] = await move(sell('never-reserved'), reserve('o', ['TEA', 1]));
    expect(refused).toMatchObject({ kind: 'conflict', code: 'story-bug' });
    expect(fine).toBeUndefined();
    expect(await holdOf('never-reserved')).toBeUndefined();
    expect(await holdOf('o')).toBe('HELD');
  });

  it('takes a mixed set in its order: what an undo gives back, a reserve behind it gets', async () => {
    await stocked({ TEA: 2 });
    await move(reserve('first', ['TEA', 2]));
    await move(reserve('too-early', ['TEA', 1]), undo('first'), reserve('behind', ['TEA', 2]));
    expect(await Promise.all(['first', 'too-early', 'behind'].map(holdOf))).toEqual(['GONE', 'REFUSED', 'HELD']);
  });

  it('gives back what a reserve took that was running when undo came', async () => {
    await stocked({ TEA: 3 });
    let undoing: Promise<unknown> | undefined;
    await database.transaction(async (tx) => {
      await moveStock.handle(tx, [reserve('o', ['TEA', 2])]);
      undoing = move(undo('o'));
      // Undo has looked, found nothing, and waits where its tombstone would stand.
      await eventually(async () => expect(await waiting()).toBe(1));
    });
    await undoing;
    expect(await holdOf('o')).toBe('GONE');
    expect(await piecesOf('TEA')).toEqual([3, 0, 0]);
    expect(await said('o')).toEqual(['reserved', 'released', 'undone']);
  });

  it('never waits in a circle, however the SKUs of sets are ordered, and loses no piece', async () => {
    const skus = ['a', 'B', 'c-1', 'C.2', '_d', '9'];
    await stocked(Object.fromEntries(skus.map((sku) => [sku, 400])));
    let begun = 0;
    const transaction = (work: (tx: Tx) => Promise<unknown>) =>
      database.transaction((tx) => {
        begun++;
        return work(tx);
      });
    const turned = (n: number) => [...skus.slice(n % 6), ...skus.slice(0, n % 6)];
    const mixed = (n: number) => (n % 2 ? turned(n) : turned(n).reverse());
    const basket = (n: number) => mixed(n).map((sku): [string, number] => [sku, 1]);
    const puts = (n: number) => mixed(n).map((sku) => put(sku));
    const receipts = (n: number) => mixed(n).map((sku) => receive(sku, 1));
    const sets = Array.from({ length: 40 }, (_, n) => [
      transaction((tx) => moveStock.handle(tx, [reserve(`o${n}`, ...basket(n)), reserve(`p${n}`, ...basket(n + 9))])),
      transaction((tx) => putItem.handle(tx, puts(n))),
      transaction((tx) => receiveStock.handle(tx, receipts(n + 3))),
    ]).flat();
    await Promise.all(sets);
    expect(begun).toBe(sets.length);
    for (const sku of skus) expect(await piecesOf(sku)).toEqual([360, 80, 0]);
  });
});

describe('putting and receiving', () => {
  it('creates an item once and keeps its stock when it is put again', async () => {
    const [created] = (await outcomes(putItem, [put('TEA', 250, 'Tea')])) as Item[];
    expect(created).toEqual({
      ...{ sku: 'TEA', name: 'Tea', currency: 'EUR', unitPrice: 250, available: 0, reserved: 0, sold: 0, version: 1 },
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    await outcomes(receiveStock, [receive('TEA', 7)]);
    await move(reserve('o', ['TEA', 3]));
    const [again] = (await outcomes(putItem, [put('TEA', 300, 'Green tea')])) as Item[];
    expect(again).toMatchObject({ name: 'Green tea', unitPrice: 300, available: 4, reserved: 3, version: 4 });
  });

  it('answers each of two puts of one SKU in a set with the item as it left it; the last wins', async () => {
    const [first, other, last] = (await outcomes(putItem, [
      put('TEA', 1, 'first'),
      put('CUP', 5),
      put('TEA', 2, 'last'),
    ])) as Item[];
    expect(first).toMatchObject({ name: 'first', unitPrice: 1, version: 1 });
    expect(other).toMatchObject({ sku: 'CUP', version: 1 });
    expect(last).toMatchObject({ name: 'last', unitPrice: 2, version: 2 });
    expect(await itemOf('TEA')).toEqual(last);
    const bodies: { body: string }[] = await source.query(
      `SELECT body FROM inventory.outbox WHERE type = 'inventory.item-put.v1' AND key = 'TEA' ORDER BY seq`,
    );
    expect(bodies.map(({ body }) => JSON.parse(body))).toEqual([first, last]);
  });

  it('adds up two receipts of one SKU in a set and answers each with its own state', async () => {
    await stocked({ TEA: 1 });
    const [first, unknown, second] = await outcomes(receiveStock, [
      receive('TEA', 10),
      receive('NONE', 1),
      receive('TEA', 100),
    ]);
    expect(first).toMatchObject({ available: 11, version: 3 });
    expect(unknown).toMatchObject({ kind: 'not-found', code: 'item-not-found' });
    expect(second).toMatchObject({ available: 111, version: 4 });
    expect(await itemOf('TEA')).toEqual(second);
    const events: { body: string }[] = await source.query('SELECT body FROM inventory.outbox ORDER BY seq');
    expect(events.map(({ body }) => JSON.parse(body))).toEqual([first, second]);
  });

  it('refuses a receipt that would make more than 10^12 pieces', async () => {
    await stocked({ TEA: 5 });
    await source.query(
      `UPDATE inventory.items SET available = available + 999999999990, received = received + 999999999990`,
    );
    const [fits, over] = await outcomes(receiveStock, [receive('TEA', 5), receive('TEA', 1)]);
    expect(fits).toMatchObject({ available: 10 ** 12 });
    expect(over).toMatchObject({ kind: 'conflict', code: 'too-much-stock' });
  });

  it('never shows a higher version with an earlier time', async () => {
    await stocked({ TEA: 0 });
    const seen = (await Promise.all(
      Array.from({ length: 30 }, () => outcomes(receiveStock, [receive('TEA', 1)])),
    )) as Item[][];
    const byVersion = seen.flat().sort((a, b) => a.version - b.version);
    expect(byVersion.map(({ version, available }) => version - available)).toEqual(Array(30).fill(1));
    expect(byVersion.map((i) => i.updatedAt)).toEqual(byVersion.map((i) => i.updatedAt).sort());
  });
});

describe('the tables of inventory', () => {
  it.each([
    ['a negative number available', 'available = available - 6, reserved = reserved + 6'],
    ['a negative number reserved', 'available = available + 1, reserved = reserved - 1'],
    ['a negative number sold', 'available = available + 1, sold = sold - 1'],
    ['a piece from nowhere', 'available = available + 1'],
    ['a lost piece', 'available = available - 1'],
    ['a price that is too high', 'unit_price = 10000000001'],
  ])('refuse %s', async (_, change) => {
    await stocked({ TEA: 5 });
    await expect(source.query(`UPDATE inventory.items SET ${change}`)).rejects.toMatchObject({ code: '23514' });
    expect(await piecesOf('TEA')).toEqual([5, 0, 0]);
  });

  it('are touched by as many statements for a set of 100 as for a set of 2', async () => {
    const statements = async (run: (n: number) => Promise<unknown>, n: number) => {
      const spies = (['rows', 'run', 'write'] as const).map((way) => jest.spyOn(Tx.prototype, way));
      await run(n);
      const count = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
      spies.forEach((spy) => spy.mockRestore());
      return count;
    };
    const set = <T>(n: number, one: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => one(i));
    const moves = (one: (n: number, i: number) => Told) => (n: number) => move(...set(n, (i) => one(n, i)));
    const expected: [number, (n: number) => Promise<unknown>][] = [
      [
        2,
        (n) =>
          outcomes(
            putItem,
            set(n, (i) => put(`S${i}`)),
          ),
      ],
      [
        3,
        (n) =>
          outcomes(
            receiveStock,
            set(n, (i) => receive(`S${i}`, 9)),
          ),
      ],
      [
        1,
        (n) =>
          outcomes(
            getItem,
            set(n, (i) => asked(GetItem, { sku: `S${i}` })),
          ),
      ],
      [5, moves((n, i) => reserve(`${n}-${i}`, [`S${i}`, 1]))],
      [5, moves((n, i) => sell(`${n}-${i}`))],
      // Both tables, new rows and old ones: the most there is.
      [6, moves((n, i) => (i % 2 ? reserve(`new-${n}-${i}`, [`S${i}`, 1]) : undo(`${n}-${i}`)))],
    ];
    for (const [count, run] of expected) {
      expect(await statements(run, 2)).toBe(count);
      expect(await statements(run, 100)).toBe(count);
    }
  });
});

describe('reading inventory', () => {
  const list = async (...queries: Partial<ListItems>[]) =>
    outcomes(
      new ListItemsHandler(database),
      queries.map((query) => asked(ListItems, query)),
    );

  it('lists every item once, by SKU, over all pages, also while others are put', async () => {
    const skus = Array.from({ length: 55 }, (_, i) => `${'aBz_-.9'[i % 7]}${i}`);
    await stocked(Object.fromEntries(skus.map((sku) => [sku, 1])));
    const seen: string[] = [];
    let pageToken: string | undefined;
    do {
      const [page] = (await list({ pageSize: 10, pageToken })) as [ItemPage];
      seen.push(...page.items.map((item) => item.sku));
      pageToken = page.nextPageToken;
      await outcomes(putItem, [put(`-${seen.length}`), put(seen[0]!, 7)]);
    } while (pageToken);
    expect(seen).toEqual(skus.sort());
  });

  it('ends without a token when the last page is full, and shows items as they are got', async () => {
    await stocked({ A: 1, B: 2 });
    const [page, whole] = (await list({ pageSize: 2 }, {})) as ItemPage[];
    expect(page).toEqual({ items: [await itemOf('A'), await itemOf('B')] });
    expect(whole).toEqual(page);
  });

  it('refuses a token that is none, and answers the others of the set', async () => {
    await stocked({ A: 1 });
    const [wrong, right] = await list({ pageToken: 'bm90aGluZw' }, {});
    expect(wrong).toMatchObject({ kind: 'invalid', code: 'invalid-page-token' });
    expect((right as ItemPage).items).toHaveLength(1);
  });

  it('says of each item of a set whether it is there', async () => {
    await stocked({ A: 1 });
    const [there, missing] = await outcomes(
      getItem,
      ['A', 'B'].map((sku) => asked(GetItem, { sku })),
    );
    expect(there).toMatchObject({ sku: 'A', available: 1 });
    expect(missing).toMatchObject({ code: 'item-not-found' });
  });

  it('quotes what is there with one statement', async () => {
    await stocked({ A: 1, B: 1 });
    const rows = jest.spyOn(Tx.prototype, 'rows');
    const quotes = await new QuoteItems(database, items).quote(['B', 'A', 'B', 'NONE']);
    expect(rows).toHaveBeenCalledTimes(1);
    expect(Object.fromEntries(quotes)).toEqual({
      A: { sku: 'A', name: 'A', currency: 'EUR', unitPrice: 100 },
      B: { sku: 'B', name: 'B', currency: 'EUR', unitPrice: 100 },
    });
  });
});

describe('the inventory module', () => {
  const KEY = 'shop:s3cret:inventory:read+inventory:write';
  let app: NestExpressApplication;
  let traffic: Traffic;

  beforeAll(async () => {
    const options = {
      modules: new Map([['inventory', database]]),
      retentionDays: 30,
      signature: new Signature('a secret of this test'),
    };
    traffic = new Traffic(options, new Handlers());
    const module = await Test.createTestingModule({
      imports: [GatesModule.forRoot({ text: KEY }), MessagingModule.forRoot(traffic), InventoryModule],
    }).compile();
    app = module.createNestApplication<NestExpressApplication>({ bodyParser: false });
    configureHttp(app);
    const silent = { open: () => undefined, close: async () => undefined };
    app.connectMicroservice({ strategy: new MessagesStrategy(traffic.handlers, silent) });
    await app.startAllMicroservices();
    await app.listen(0);
  });
  afterAll(() => app?.close());

  const call = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer s3cret' };
    const response = await fetch(`${await app.getUrl()}${path}`, { method, headers, body: JSON.stringify(body) });
    return [response.status, await response.json()] as [number, Record<string, unknown>];
  };

  it('creates, changes, receives, gets and lists items over REST', async () => {
    const tea = { name: 'Tea', currency: 'JPY', unitPrice: 1200 };
    expect(await call('PUT', '/v1/items/TEA', tea)).toMatchObject([201, { sku: 'TEA', ...tea, version: 1 }]);
    expect(await call('PUT', '/v1/items/TEA', tea)).toMatchObject([200, { version: 2 }]);
    expect(await call('POST', '/v1/items/TEA/receipts', { quantity: 3 })).toMatchObject([201, { available: 3 }]);
    expect(await call('GET', '/v1/items/TEA')).toMatchObject([200, { available: 3, version: 3 }]);
    expect(await call('GET', '/v1/items?pageSize=1')).toMatchObject([200, { items: [{ sku: 'TEA' }] }]);
    expect(await call('GET', '/v1/items/NONE')).toMatchObject([404, { code: 'item-not-found' }]);
    expect(await call('POST', '/v1/items/TEA/receipts', { quantity: 0 })).toMatchObject([400, { code: 'invalid' }]);
  });

  it('takes what the world asks and what orders tell it by message, mixed sets in one go', async () => {
    const types = [PutItem, ReceiveStock, GetItem, ListItems].map((type) => operationOf(type).name);
    const internal = [ReserveStock, SellStock, UndoStock].map((type) => messageOf(type).type);
    expect(traffic.handlers.types('inventory').sort()).toEqual([...types, ...internal].sort());
    await stocked({ TEA: 1 });
    await move(reserve('first', ['TEA', 1]));
    const handled = jest.spyOn(MoveStock.prototype, 'handle');
    const set = [undo('first'), reserve('second', ['TEA', 1])];
    await database.transaction((tx) => traffic.of('inventory').intake.handle(tx, set));
    expect(handled).toHaveBeenCalledTimes(1);
    expect(await holdOf('second')).toBe('HELD');
  });
});
