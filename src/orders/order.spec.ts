import type { Order } from './index.js';
import { PlacedOrder } from './order.js';

const anOrder = (more: Partial<Order> = {}): PlacedOrder =>
  new PlacedOrder({
    id: 'ord_01890000-0000-7000-8000-000000000000',
    state: 'PLACED',
    customerId: 'ada',
    email: 'ada@example.com',
    currency: 'JPY',
    lines: [{ sku: 'tea', name: 'Tea', quantity: 2, unitPrice: 600, amount: 1200 }],
    total: 1200,
    paymentMethod: 'pm_ok',
    locale: 'en',
    version: 1,
    createdAt: '',
    updatedAt: '',
    ...more,
  });

describe('an order', () => {
  it('counts its timeline entries in its version, without a gap', () => {
    const order = anOrder();
    const entries = [
      order.placed(),
      ...order.tell('payment-authorised', '').entries,
      ...order.tell('stock-refused', '').entries,
      ...order.tell('payment-undone', '').entries,
      ...order.tell('stock-undone', '').entries,
    ];
    expect(entries.map((e) => e.sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(entries.map((e) => e.type)).toEqual([
      'order-placed',
      'order-authorised',
      'order-closing',
      'payment-undone',
      'stock-undone',
      'order-rejected',
    ]);
    expect(order.view).toMatchObject({ state: 'REJECTED', reason: 'out-of-stock', version: 6 });
  });

  it('stays as it is when a happening is refused', () => {
    const order = anOrder({ state: 'CONFIRMED', version: 4 });
    expect(order.tell('payment-declined', 'x')).toMatchObject({ changed: false, refused: { code: 'story-bug' } });
    expect(order.view).toMatchObject({ state: 'CONFIRMED', version: 4 });
  });

  it('names who cancelled it as the reason', () => {
    const order = anOrder();
    order.tell('cancel', 'cancelled-by-customer');
    expect(order.view).toMatchObject({ state: 'CLOSING', reason: 'cancelled-by-customer' });
  });
});
