import { API_KEYS } from '../support/house.js';
import { eventually } from '../support/eventually.js';
import { Issuer } from '../support/issuer.js';
import { anOrder, type Gate, orderIn, paymentOf, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';

let issuer: Issuer;
const at = useHouse(async () => {
  issuer = await Issuer.open();
  return { ...issuer.settings, API_KEYS: `${API_KEYS};web:a-web-key:orders:write` };
});
afterAll(() => issuer.close());

const ALL: Gate[] = ['rest', 'grpc', 'amqp'];
const BOTH: Gate[] = ['rest', 'grpc'];
/** The JSON that has no value for `customerId`, as a customer's own client would send it. */
const anonymous = (sku: string) => ({ ...anOrder(sku), customerId: undefined });

const placedBy = async (customer: string): Promise<string> => {
  const sku = await stocked(at.house, 3);
  const secret = await issuer.token(customer);
  const { result } = await at.caller.call('rest', 'orders.place', anonymous(sku), { secret });
  await orderIn(at.house, result.id, 'CONFIRMED');
  return result.id as string;
};

let bobs: string;
beforeAll(async () => {
  await placedBy('ada');
  bobs = await placedBy('bob');
});

describe.each(ALL)('over %s a customer', (gate) => {
  it('may leave its id out, and then it is its own', async () => {
    const sku = await stocked(at.house, 3);
    const secret = await issuer.token('auth0|5f7c');
    const { code, result } = await at.caller.call(gate, 'orders.place', anonymous(sku), { secret });
    expect([code, result.customerId]).toEqual(['ok', 'auth0|5f7c']);
  });

  it('may name no other id, and is told so before anything else of the order is looked at outside', async () => {
    const { code, status } = await at.caller.call(gate, 'orders.place', anOrder('no-such-sku', { customerId: 'bob' }), {
      secret: await issuer.token('ada'),
    });
    const forbidden = { rest: '403', grpc: 'PERMISSION_DENIED', amqp: 'forbidden' };
    expect([code, status]).toEqual(['not-your-customer-id', forbidden[gate]]);
  });

  it('cannot cancel the order of another, and cannot tell it from one that is not there', async () => {
    const secret = await issuer.token('ada');
    const said = await at.caller.call(gate, 'orders.cancel', { id: bobs }, { secret });
    const nothing = await at.caller.call(gate, 'orders.cancel', { id: 'ord_nothing' }, { secret });
    expect(said.code).toBe('order-not-found');
    expect(said.message!.replace(bobs, 'ord_nothing')).toBe(nothing.message);
  });

  it('that is none must be named: without an id an API key is refused, with every other wrong field', async () => {
    const { code, message } = await at.caller.call(gate, 'orders.place', { ...anonymous('a'), email: 'nowhere' });
    expect(code).toBe('invalid');
    expect(message).toBe('customerId: is required; email: must be one e-mail address such as name@example.com');
  });
});

describe.each(BOTH)('over %s a customer', (gate) => {
  const ask = async (customer: string, operation: string, input: object) =>
    at.caller.call(gate, operation, input, { secret: await issuer.token(customer) });

  it('reads its own order, payment and messages', async () => {
    expect((await ask('bob', 'orders.get', { id: bobs })).result.customerId).toBe('bob');
    expect((await ask('bob', 'orders.timeline', { id: bobs })).result.entries.length).toBeGreaterThan(3);
    const { id } = await paymentOf(at.house, bobs);
    expect((await ask('bob', 'payments.get', { id })).result.orderId).toBe(bobs);
  });

  it('finds nothing of another', async () => {
    const { id } = await paymentOf(at.house, bobs);
    expect((await ask('ada', 'orders.get', { id: bobs })).code).toBe('order-not-found');
    expect((await ask('ada', 'orders.timeline', { id: bobs })).code).toBe('order-not-found');
    expect((await ask('ada', 'payments.get', { id })).code).toBe('payment-not-found');
    expect((await ask('ada', 'payments.list', { orderId: bobs })).result.payments ?? []).toEqual([]);
    expect((await ask('ada', 'notifications.list', { orderId: bobs })).result.notifications ?? []).toEqual([]);
  });

  it('sees lists of its own only, and may not ask for those of another', async () => {
    for (const customer of ['ada', 'bob']) {
      const { result } = await ask(customer, 'orders.list', {});
      expect(new Set(result.orders.map((o: { customerId: string }) => o.customerId))).toEqual(new Set([customer]));
      const { payments } = (await ask(customer, 'payments.list', {})).result;
      expect(new Set(payments.map((p: { customerId: string }) => p.customerId))).toEqual(new Set([customer]));
      const { notifications } = (await ask(customer, 'notifications.list', {})).result;
      expect(notifications.every((n: { customerId: string }) => n.customerId === customer)).toBe(true);
    }
    expect((await ask('ada', 'orders.list', { customerId: 'ada' })).code).toBe('ok');
    expect((await ask('ada', 'orders.list', { customerId: 'bob' })).code).toBe('not-your-customer-id');
  });

  it('cannot go on with the page of another', async () => {
    const another = await at.caller.call(gate, 'orders.list', { customerId: 'bob', pageSize: 1 });
    const token = another.result.nextPageToken ?? 'WyJ4IiwieSJd';
    expect((await ask('ada', 'orders.list', { pageSize: 1, pageToken: token })).code).toBe('invalid-page-token');
  });
});

it('says who cancelled: the customer over its own token or its shop, or an operator', async () => {
  const cancelled = async (secret: string) => {
    const id = await placedBy('ada');
    await at.caller.call('rest', 'orders.cancel', { id }, { secret });
    return (await orderIn(at.house, id, 'CANCELLED')).reason;
  };
  expect(await cancelled(await issuer.token('ada'))).toBe('cancelled-by-customer');
  expect(await cancelled('a-web-key')).toBe('cancelled-by-customer');
  expect(await cancelled('a-key-of-the-tests')).toBe('cancelled-by-operator');
});

it('keeps a customer a customer while its command waits and is tried again', async () => {
  // As it is stored when the database of the module was busy: its principal by name, its scopes beside it.
  await at.rows(
    `INSERT INTO orders.inbox (lane, type, message_id, state, due, attempts, code, reason, principal, headers, body)
     VALUES (-1, 'orders.cancel', gen_random_uuid(), 'retry', now(), 0, 'waits', 'waits', 'customer:ada', $1, $2)`,
    [JSON.stringify({ headers: {}, scopes: ['orders:write'] }), JSON.stringify({ id: bobs })],
  );
  await eventually(async () => {
    const rows = await at.rows<{ code: string }>(`SELECT code FROM orders.inbox WHERE reason LIKE '%${bobs}%'`);
    expect(rows.map(({ code }) => code)).toContain('order-not-found');
    expect(await at.rows(`SELECT 1 FROM orders.inbox WHERE code = 'waits'`)).toEqual([]);
  });
  expect((await at.house.rest.get(`/v1/orders/${bobs}`)).body.state).toBe('CONFIRMED');
});
