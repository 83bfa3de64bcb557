import { ORDER_STATES, type OrderState } from './index.js';
import { type Happening, type Situation, type Step, story } from './story.js';

/** docs/story.md, "Order", restated: what each cell changes. `-` = ignore, `bug` = parked with an alarm. */
const closeWith = (ending: string, reason: string, stock = true) =>
  `CLOSING ${ending} ${reason} [order-closing] >undo-payment${stock ? ',undo-stock' : ''}`;

const TABLE: Record<Happening, string[]> = {
  //                     PLACED, AUTHORISED, RESERVED, CONFIRMED, CLOSING, REJECTED, CANCELLED
  'payment-authorised': [
    'AUTHORISED [order-authorised] >reserve',
    '-',
    '-',
    '-',
    '-',
    '>undo-payment !',
    '>undo-payment !',
  ],
  'payment-declined': ['REJECTED why [order-rejected]', 'bug', 'bug', 'bug', '-', '-', '-'],
  'stock-reserved': ['bug', 'RESERVED [order-reserved] >capture', '-', '-', '-', '>undo-stock !', '>undo-stock !'],
  'stock-refused': ['bug', closeWith('REJECTED', 'out-of-stock'), 'bug', 'bug', '-', '-', '-'],
  'payment-captured': [
    'bug',
    'bug',
    'CONFIRMED [order-confirmed] >sell',
    '-',
    '-',
    '>undo-payment !',
    '>undo-payment !',
  ],
  'capture-refused': ['bug', 'bug', closeWith('REJECTED', 'capture-failed'), 'bug', '-', '-', '-'],
  cancel: [
    closeWith('CANCELLED', 'why', false),
    closeWith('CANCELLED', 'why'),
    closeWith('CANCELLED', 'why'),
    closeWith('CANCELLED', 'why'),
    '-',
    'refused order-not-cancellable',
    '-',
  ],
  'payment-undone': ['bug', 'bug', 'bug', 'bug', '[payment-undone]', '-', '-'],
  'stock-undone': ['bug', 'bug', 'bug', 'bug', '[stock-undone]', '-', '-'],
  'stock-sold': ['bug', 'bug', 'bug', '-', '-', 'bug', '-'],
  'refund-settled': ['bug', 'bug', 'bug', '[payment-refunded]', '-', '-', '-'],
  stalled: ['>authorise !', '>reserve !', '>capture !', '-', '>undo-payment,undo-stock !', '-', '-'],
};

const situation = (state: OrderState, more: Partial<Situation> = {}): Situation => ({
  state,
  paymentUndone: false,
  stockUndone: false,
  windowOver: false,
  ...more,
});

function told(step: Step): string {
  if (step.refused) return step.refused.code === 'story-bug' ? 'bug' : `refused ${step.refused.code}`;
  const parts = [
    step.state,
    step.ending,
    step.reason,
    step.entries?.length ? `[${step.entries.join(',')}]` : undefined,
    step.send?.length ? `>${step.send.join(',')}` : undefined,
    step.alarm ? '!' : undefined,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(' ') : '-';
}

describe('the story of an order', () => {
  const cells = Object.entries(TABLE).flatMap(([happening, row]) =>
    row.map((expected, i) => ({ happening: happening as Happening, state: ORDER_STATES[i]!, expected })),
  );

  it.each(cells)('answers $happening in $state with $expected', ({ happening, state, expected }) => {
    expect(told(story[state][happening](situation(state), 'why'))).toBe(expected);
  });

  it('has exactly the cells of the table', () => {
    for (const state of ORDER_STATES) expect(Object.keys(story[state]).sort()).toEqual(Object.keys(TABLE).sort());
  });

  it('refuses to cancel a confirmed order whose window is over', () => {
    expect(told(story.CONFIRMED.cancel(situation('CONFIRMED', { windowOver: true }), 'why'))).toBe(
      'refused cancel-window-over',
    );
  });

  it.each([
    ['payment-undone', { stockUndone: true, ending: 'REJECTED' }, 'REJECTED [payment-undone,order-rejected]'],
    ['stock-undone', { paymentUndone: true, ending: 'CANCELLED' }, 'CANCELLED [stock-undone,order-cancelled]'],
    ['payment-undone', { paymentUndone: true, ending: 'CANCELLED' }, '-'],
    ['stock-undone', { stockUndone: true, ending: 'REJECTED' }, '-'],
  ] as const)('ends a closing order when %s comes with %j', (happening, more, expected) => {
    expect(told(story.CLOSING[happening](situation('CLOSING', more), 'why'))).toBe(expected);
  });

  it('counts stock as undone when reserve was never sent', () => {
    expect(story.PLACED.cancel(situation('PLACED'), 'why').stockUndone).toBe(true);
    expect(story.AUTHORISED.cancel(situation('AUTHORISED'), 'why').stockUndone).toBe(false);
  });

  it('sends only the missing undo of a closing order that stalled', () => {
    expect(told(story.CLOSING.stalled(situation('CLOSING', { paymentUndone: true }), ''))).toBe('>undo-stock !');
  });
});
