import { randomUUID } from 'node:crypto';
import { anOrder, type Json, orderIn, paymentOf, placeThrough, stocked } from './shop.js';
import type { Lodging } from './use-house.js';

type Input = () => Promise<object>;

/** How one operation is made to succeed, and to say each of its own refusals. Every call makes another input. */
export interface Recipe {
  good: Input;
  refuses?: Record<string, Input>;
  /** What becomes of the good input when a customer asks with it whose object it is not: the code, or whose list is empty. */
  another?: { code: string; empty?: string };
}

/** What no customer's token may ask for, whatever it claims. */
const NEVER = { code: 'missing-scope' };

/** Refusals that one call in a quiet house cannot meet; where each is tried instead. */
export const ELSEWHERE: Record<string, string> = {
  'not-your-customer-id': 'needs a customer’s token: the column “another’s”',
  'refund-in-progress': 'needs two at once: test/integration/payments.spec.ts',
  'message-busy': 'needs two at once: test/integration/repair.spec.ts',
  'message-in-repair': 'needs two at once: test/integration/repair.spec.ts',
  'several-modules': 'needs one event parked twice: test/integration/repair.spec.ts',
  'not-failed': 'needs a message behind another: test/integration/repair.spec.ts',
  'too-old-to-release': 'needs a message of last month: test/integration/repair.spec.ts',
  'prices-unavailable': 'needs inventory in another process, and away: test/placements/inventory-away.spec.ts',
  elsewhere: 'needs two processes: the column “elsewhere”',
};

/** One recipe for each operation of the house; an operation without one fails the matrix. */
export function recipes(at: Pick<Lodging, 'house' | 'rows'>): Record<string, Recipe> {
  const sku = (): Promise<string> => stocked(at.house, 5);
  const none = async (): Promise<object> => ({ id: `ord_${randomUUID()}` });
  const order = async (more: object = {}): Promise<string> =>
    (await placeThrough('rest', at.house, anOrder(await sku(), more))).id as string;
  const ended = async (state: string, more: object = {}): Promise<string> => {
    const id = await order(more);
    await orderIn(at.house, id, state);
    return id;
  };
  const payment = async (paymentMethod = 'pm_ok'): Promise<string> => {
    const id = await ended(paymentMethod === 'pm_ok' ? 'CONFIRMED' : 'REJECTED', { paymentMethod });
    return (await paymentOf(at.house, id)).id as string;
  };
  const desk = deskOf(at);
  const ofMessage = {
    'message-not-found': async () => ({ id: 'msg_019a5d0e-7c31-7000-8000-1b9a7d6c5e2f' }),
    'already-answered': async () => ({ id: await desk.refused() }),
  };
  const payload = async (): Promise<object> => anOrder(await sku());
  const following =
    (id: Input): Input =>
    async () => ({ track: [((await id()) as { id: string }).id] });
  const placed = async (): Promise<object> => ({ id: await order() });
  const withPayload =
    (id: Input): Input =>
    async () => ({ ...(await id()), payload: await payload() });
  return {
    'orders.place': {
      good: payload,
      another: { code: 'not-your-customer-id' },
      refuses: {
        'unknown-sku': async () => anOrder(`no-${randomUUID()}`),
        'currency-mismatch': async () => anOrder(await sku(), { currency: 'EUR' }),
        'total-too-large': async () => {
          const dear = await sku();
          await at.house.rest.put(`/v1/items/${dear}`, { name: 'Dear', currency: 'JPY', unitPrice: 10 ** 10 });
          // Prices are remembered for a second.
          await new Promise((resolve) => setTimeout(resolve, 1_100));
          return anOrder(dear, { lines: [{ sku: dear, quantity: 10_000 }] });
        },
      },
    },
    'orders.cancel': {
      good: async () => ({ id: await order({ paymentMethod: 'pm_slow' }) }),
      another: { code: 'order-not-found' },
      refuses: {
        'order-not-found': none,
        'cancel-window-over': async () => ({ id: await ended('CONFIRMED') }),
        'order-not-cancellable': async () => ({ id: await ended('REJECTED', { paymentMethod: 'pm_declined' }) }),
      },
    },
    'orders.get': { good: placed, another: { code: 'order-not-found' }, refuses: { 'order-not-found': none } },
    'orders.timeline': { good: placed, another: { code: 'order-not-found' }, refuses: { 'order-not-found': none } },
    'orders.watch': { good: placed, another: { code: 'order-not-found' }, refuses: { 'order-not-found': none } },
    'orders.track': {
      good: following(placed),
      another: { code: 'order-not-found' },
      refuses: { 'order-not-found': following(none) },
    },
    'orders.list': { good: async () => ({ customerId: 'ada' }), another: { code: 'not-your-customer-id' } },
    'inventory.put-item': {
      good: async () => ({ sku: randomUUID(), name: 'Tea', currency: 'JPY', unitPrice: 1 }),
      another: NEVER,
    },
    'inventory.receive-stock': {
      good: async () => ({ sku: await sku(), quantity: 3 }),
      another: NEVER,
      refuses: {
        'item-not-found': async () => ({ sku: randomUUID(), quantity: 1 }),
        'too-much-stock': async () => {
          const full = await sku();
          await at.rows('UPDATE inventory.items SET available = 1e12, received = 1e12 WHERE sku = $1', [full]);
          return { sku: full, quantity: 1 };
        },
      },
    },
    'inventory.get-item': {
      good: async () => ({ sku: await sku() }),
      refuses: { 'item-not-found': async () => ({ sku: randomUUID() }) },
    },
    'inventory.list-items': { good: async () => ({ pageSize: 1 }) },
    'payments.get': {
      good: async () => ({ id: await payment() }),
      another: { code: 'payment-not-found' },
      refuses: { 'payment-not-found': none },
    },
    'payments.list': {
      good: async () => ({ orderId: await ended('CONFIRMED') }),
      another: { code: 'ok', empty: 'payments' },
    },
    'payments.refund': {
      good: async () => ({ id: await payment(), amount: 1 }),
      another: NEVER,
      refuses: {
        'payment-not-found': none,
        'payment-not-refundable': async () => ({ id: await payment('pm_declined') }),
        'refund-too-large': async () => ({ id: await payment(), amount: 10 ** 9 }),
      },
    },
    'notifications.list': {
      good: async () => ({ orderId: await ended('CONFIRMED') }),
      another: { code: 'ok', empty: 'notifications' },
    },
    'ops.list-messages': { good: async () => ({ module: 'payments' }), another: NEVER },
    'ops.get-message': {
      another: NEVER,
      good: async () => ({ id: await desk.forbidden() }),
      refuses: { 'message-not-found': ofMessage['message-not-found'] },
    },
    'ops.release-message': {
      another: NEVER,
      good: async () => ({ id: await desk.forbidden() }),
      refuses: {
        ...ofMessage,
        'needs-replacement': async () => ({ id: await desk.invalid() }),
        'not-repairable': async () => ({ id: await desk.unknown() }),
      },
    },
    'ops.replace-message': {
      another: NEVER,
      good: withPayload(async () => ({ id: await desk.invalid() })),
      refuses: {
        'message-not-found': withPayload(ofMessage['message-not-found']),
        'already-answered': withPayload(ofMessage['already-answered']),
        'not-repairable': withPayload(async () => ({ id: await desk.unknown() })),
      },
    },
    'ops.discard-message': {
      another: NEVER,
      good: async () => ({ id: await desk.invalid(), reason: 'A test.' }),
      refuses: {
        'message-not-found': async () => ({ ...(await ofMessage['message-not-found']()), reason: 'A test.' }),
        'already-answered': async () => ({ ...(await ofMessage['already-answered']()), reason: 'A test.' }),
      },
    },
    'ops.release-messages': { good: async () => ({ filter: { key: `none-${randomUUID()}` } }), another: NEVER },
    'ops.get-operation': {
      another: NEVER,
      good: async () => {
        const { body } = await at.house.rest.post('/v1/ops/messages/release', {
          filter: { key: `none-${randomUUID()}` },
        });
        return { id: body.operation.id };
      },
      refuses: { 'operation-not-found': async () => ({ id: 'opn_019a5d0e-9a00-7000-8000-77aa66bb55cc' }) },
    },
    'ops.list-audit': { good: async () => ({ pageSize: 1 }), another: NEVER },
  };
}

/** Commands from the world that lie on the repair desk, by what was wrong with them. */
function deskOf(at: Pick<Lodging, 'house' | 'rows'>) {
  const lie = async (key: string, body: Json, authorization: string, state: string): Promise<string> => {
    const headers = authorization ? { authorization } : {};
    const mine = randomUUID();
    await at.house.amqp!.ask(key, body, { headers: { ...headers, 'idempotency-key': mine } });
    const [found] = await at.rows<{ id: string }>(
      `SELECT message_id AS id FROM orders.inbox WHERE state = $1 AND headers LIKE $2`,
      [state, `%${mine}%`],
    );
    return `msg_${found!.id}`;
  };
  const place = async (more: object = {}): Promise<Json> => anOrder(await stocked(at.house, 5), more);
  return {
    invalid: async () => lie('orders.place', await place({ email: 'nobody' }), '', 'parked'),
    forbidden: async () => lie('orders.place', await place(), 'Bearer a-reading-key', 'parked'),
    unknown: async () => lie('orders.dance', {}, '', 'parked'),
    refused: async () => lie('orders.place', anOrder(`no-${randomUUID()}`), '', 'refused'),
  };
}
