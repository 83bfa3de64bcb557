import { Client } from 'pg';
import { v7 } from 'uuid';
import { SCOPES } from '../../src/access/principal.js';
import type { ModuleName } from '../../src/config/settings.js';
import { sql } from '../../src/database/statement.js';
import { Failure } from '../../src/failure.js';
import type { Asked, UseCase } from '../../src/gates/asked.js';
import { Execution } from '../../src/gates/execution.js';
import { operationOf } from '../../src/gates/operation.js';
import { newId } from '../../src/id.js';
import { ReserveStock, SellStock, StockReserved, UndoStock } from '../../src/inventory/index.js';
import { PutItem, PutItemHandler } from '../../src/inventory/put-item.js';
import { QuoteItems } from '../../src/inventory/quote-items.js';
import { ReceiveStock, ReceiveStockHandler } from '../../src/inventory/receive-stock.js';
import { type MessageClass, messageOf } from '../../src/messaging/contract.js';
import type { Message } from '../../src/messaging/message.js';
import { CancelOrder, CancelOrderHandler } from '../../src/orders/cancel-order.js';
import { type Order, OrderConfirmed } from '../../src/orders/index.js';
import { PlaceOrder, PlaceOrderHandler } from '../../src/orders/place-order.js';
import { AuthorisePayment, PaymentAuthorised, UndoPayment } from '../../src/payments/index.js';
import { RefundPayment, RefundPaymentHandler } from '../../src/payments/refund-payment.js';
import { useDatabase } from '../support/fixtures.js';
import { aLoneModule, type LoneModule } from '../support/lone-module.js';
import { anOrder } from '../support/shop.js';
import { receiverOf } from '../../src/documents/generator/surface.js';

const database = useDatabase();
const SMALL = 10;
const LARGE = 100;

/** One module alone: no loop of it runs, so every statement is one of the set that is counted. */
function alone(name: ModuleName): { readonly module: LoneModule } {
  let module: LoneModule | undefined;
  beforeAll(async () => {
    module = await aLoneModule(name, database.url);
  });
  afterAll(() => module?.close());
  return {
    get module() {
      return module!;
    },
  };
}

/** How many statements are sent while `work` is done. */
async function statements(work: () => Promise<unknown>): Promise<number> {
  const query = jest.spyOn(Client.prototype, 'query');
  try {
    await work();
    return query.mock.calls.length;
  } finally {
    query.mockRestore();
  }
}

const asked = <C extends object>(type: new () => C, input: object, i: number): Asked<C> => ({
  id: v7(),
  operation: operationOf(type),
  command: Object.assign(new type(), input),
  by: { name: 'key:test', scopes: new Set(SCOPES) },
  key: `${i}-${v7()}`,
});

/** Payments as they stand after their capture. */
const CAPTURED = sql(
  'test.captured',
  `INSERT INTO payments.payments (id, order_id, customer_id, state, undo, currency, amount, provider, reference)
   SELECT i, o, 'ada', 'CAPTURED', false, 'JPY', 1000, 'sandbox', 'auth_' || i FROM unnest($1::text[], $2::text[]) u(i, o)`,
);

/** The statements of a set of calls, each with a key of its own, from recalling the keys to COMMIT. */
async function ofCalls<C extends object>(
  { database }: LoneModule,
  useCase: UseCase<C, unknown>,
  type: new () => C,
  inputs: object[],
): Promise<number> {
  const execution = new Execution(operationOf(type).name.split('.')[0]!, database);
  const set = inputs.map((input, i) => asked(type, input, i));
  return statements(async () => {
    const answers = await execution.run(useCase, set);
    expect(answers.filter(({ outcome }) => outcome instanceof Failure)).toEqual([]);
    expect(answers).toHaveLength(inputs.length);
  });
}

const told = <B extends object>(type: MessageClass<B>, body: Record<string, unknown>): Message<never> => {
  const traits = messageOf(type);
  return { id: v7(), type: traits.type, key: body[traits.key] as string, body } as unknown as Message<never>;
};

/** The statements of a set of messages, from BEGIN to COMMIT, as their controller takes them. */
function ofMessages({ app, database }: LoneModule, set: Message<never>[]): Promise<number> {
  const { controller, name } = receiverOf(set[0]!.type);
  const taker = app.get<Record<string, (set: object[], reception: object) => Promise<unknown>>>(controller);
  return statements(async () => {
    const outcomes = await database.transaction((tx) => taker[name]!(set, { tx }));
    expect((Array.isArray(outcomes) ? outcomes : []).filter((outcome) => outcome instanceof Failure)).toEqual([]);
  });
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** Counts for both sizes and expects the same; what one set costs is in the title of the failure. */
async function constant(count: (size: number) => Promise<number>, atMost: number): Promise<void> {
  const [small, large] = [await count(SMALL), await count(LARGE)];
  expect({ [SMALL]: small, [LARGE]: large }).toEqual({ [SMALL]: small, [LARGE]: small });
  expect(small).toBeGreaterThan(2);
  expect(small).toBeLessThanOrEqual(atMost);
}

describe('a set of 100 costs as many statements as a set of 10', () => {
  describe('in orders', () => {
    const of = alone('orders');
    const place = async (size: number): Promise<string[]> => {
      const execution = new Execution('orders', of.module.database);
      const set = range(size).map((i) => asked(PlaceOrder, anOrder(`sku-${i}`), i));
      const answers = await execution.run(of.module.app.get(PlaceOrderHandler), set);
      return answers.map(({ outcome }) => (outcome as Order).id);
    };

    it('when orders are placed, of three lines each', () =>
      constant((size) => {
        const lines = (i: number) => range(3).map((n) => ({ sku: `sku-${i}-${n}`, quantity: n + 1 }));
        const inputs = range(size).map((i) => anOrder('', { lines: lines(i), note: `n${i}` }));
        return ofCalls(of.module, of.module.app.get(PlaceOrderHandler), PlaceOrder, inputs);
      }, 8));

    it('when they are cancelled', () =>
      constant(async (size) => {
        const ids = await place(size);
        return ofCalls(
          of.module,
          of.module.app.get(CancelOrderHandler),
          CancelOrder,
          ids.map((id) => ({ id })),
        );
      }, 8));

    it('when they are advanced, by what all the other modules say', () =>
      constant(async (size) => {
        const ids = await place(size);
        const first = await ofMessages(
          of.module,
          ids.map((orderId) => told(PaymentAuthorised, { orderId })),
        );
        const second = await ofMessages(
          of.module,
          ids.map((orderId) => told(StockReserved, { orderId })),
        );
        expect(second).toBe(first);
        return first;
      }, 6));
  });

  describe('in inventory', () => {
    const of = alone('inventory');
    const items = (size: number) =>
      range(size).map((i) => ({ sku: `i${size}-${i}`, name: 'Thing', currency: 'JPY', unitPrice: 600 }));

    it('when items are put', () =>
      constant((size) => ofCalls(of.module, of.module.app.get(PutItemHandler), PutItem, items(size)), 7));

    it('when stock is received', () =>
      constant((size) => {
        const receipts = items(size).map(({ sku }) => ({ sku, quantity: 1_000 }));
        return ofCalls(of.module, of.module.app.get(ReceiveStockHandler), ReceiveStock, receipts);
      }, 8));

    it('when prices are quoted', async () => {
      const quote = (size: number) =>
        statements(() => of.module.app.get(QuoteItems).quote(items(size).map(({ sku }) => sku)));
      expect([await quote(SMALL), await quote(LARGE)]).toEqual([1, 1]);
    });

    it('when stock is moved: reserved, then sold or given back', () =>
      constant(async (size) => {
        const ids = range(size).map(() => newId('ord'));
        const lines = (i: number) => [
          { sku: `i${size}-${i}`, quantity: 1 },
          { sku: `i${size}-${(i + 1) % size}`, quantity: 2 },
        ];
        const reserve = await ofMessages(
          of.module,
          ids.map((orderId, i) => told(ReserveStock, { orderId, lines: lines(i) })),
        );
        const half = ids.map((orderId, i) => told(i % 2 ? SellStock : UndoStock, { orderId }));
        expect(await ofMessages(of.module, half)).toBe(reserve);
        return reserve;
      }, 8));
  });

  describe('in payments', () => {
    const of = alone('payments');

    it('when payments are advanced: asked for, then undone', () =>
      constant(async (size) => {
        const ids = range(size).map(() => newId('ord'));
        const asks = ids.map((orderId) =>
          told(AuthorisePayment, { orderId, customerId: 'ada', currency: 'JPY', amount: 600, paymentMethod: 'pm_ok' }),
        );
        const begun = await ofMessages(of.module, asks);
        const undone = await ofMessages(
          of.module,
          ids.map((orderId) => told(UndoPayment, { orderId })),
        );
        return begun + undone;
      }, 10));

    it('when captured ones are refunded', () =>
      constant(async (size) => {
        const payments = range(size).map(() => ({ id: newId('pay'), orderId: newId('ord') }));
        await of.module.database.transaction((tx) =>
          tx.run(CAPTURED, [payments.map(({ id }) => id), payments.map(({ orderId }) => orderId)]),
        );
        const inputs = payments.map(({ id }, i) => ({ id, amount: i + 1 }));
        return ofCalls(of.module, of.module.app.get(RefundPaymentHandler), RefundPayment, inputs);
      }, 8));
  });

  describe('in notifications', () => {
    const of = alone('notifications');

    it('when notifications are written', () =>
      constant((size) => {
        return ofMessages(
          of.module,
          range(size).map(() => told(OrderConfirmed, { ...confirmed(), id: newId('ord') })),
        );
      }, 5));
  });
});

const confirmed = (): Record<string, unknown> => ({
  ...anOrder('sku'),
  state: 'CONFIRMED',
  lines: [{ sku: 'sku', name: 'Thing', quantity: 1, unitPrice: 600, amount: 600 }],
  total: 600,
  locale: 'en',
  version: 4,
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-02T03:04:05.678Z',
});
