import { columnOf, noPayment, type PaymentEvent, type PaymentRecord, type Step } from './payment-record.js';
import { advance } from './payment.js';

// docs/story.md, "Payment", word for word. Every cell becomes at least one test below; a cell without a meaning fails.
const STORY = `
| event ↓ / state →    | none                      | PENDING (authorise)                        | AUTHORISED        | AUTHORISED (capture)                       | AUTHORISED (void)                                            | CAPTURED                                    | CAPTURED (refund n)                                               | DECLINED, FAILED, VOIDED, REFUNDED |
| authorise            | PENDING (authorise)       | ignore                                     | answer authorised | ignore                                     | ignore                                                       | ignore                                      | ignore                                                            | answer its end                     |
| capture              | bug                       | bug                                        | (capture)         | ignore                                     | ignore                                                       | answer captured                             | ignore                                                            | answer failed                      |
| undo                 | VOIDED tombstone; undone  | flag                                       | (void)            | flag                                       | ignore                                                       | (refund the rest)                           | flag                                                              | undone                             |
| refund n by operator | 404                       | 409                                        | 409               | 409                                        | 409                                                          | n ≤ amount − refunded ? (refund n) : 409    | 409 \`refund-in-progress\`                                        | 409                                |
| effect ok            | –                         | flag ? (void) : answer authorised          | –                 | CAPTURED; flag ? (refund) : answer captured | VOIDED; undone                                              | –                                           | refunded += n; all → REFUNDED; flag and rest → (refund rest); answer | –                               |
| effect refused       | –                         | DECLINED; flag ? undone : answer declined  | –                 | AUTHORISED; flag ? (void) : answer failed  | already captured → CAPTURED (refund); not there → VOIDED     | –                                           | alarm, retry                                                      | –                                  |
| effect unknown       | –                         | ask by key, same provider key              | –                 | ask by key                                 | ask by key                                                   | –                                           | ask by key                                                        | –                                  |
`;

const [HEAD, ...ROWS] = STORY.trim()
  .split('\n')
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
const COLUMNS = HEAD!.slice(1);

const none = noPayment('pay_1', 'ord_1', 'sandbox');
const pending: PaymentRecord = {
  ...none,
  ...{ customerId: 'cus_1', currency: 'JPY', amount: 1200, state: 'PENDING', effect: 'authorise' },
};
const authorised: PaymentRecord = { ...pending, state: 'AUTHORISED', effect: null, reference: 'auth_1' };
const captured: PaymentRecord = { ...authorised, state: 'CAPTURED' };
const refunding: PaymentRecord = { ...captured, effect: 'refund', refunding: 500, refunds: 1 };

/** The payments that stand in a column. */
const STANDING: Record<string, PaymentRecord[]> = {
  none: [none],
  'PENDING (authorise)': [pending],
  AUTHORISED: [authorised],
  'AUTHORISED (capture)': [{ ...authorised, effect: 'capture' }],
  'AUTHORISED (void)': [{ ...authorised, effect: 'void', undo: true }],
  CAPTURED: [captured],
  'CAPTURED (refund n)': [refunding],
  'DECLINED, FAILED, VOIDED, REFUNDED': [
    { ...pending, state: 'DECLINED', effect: null, reason: 'payment-declined' },
    { ...pending, state: 'FAILED', effect: null, reason: 'payment-unavailable' },
    { ...authorised, state: 'VOIDED', undo: true },
    { ...captured, state: 'REFUNDED', refunded: 1200, undo: true },
  ],
};

const EVENTS: Record<string, PaymentEvent> = {
  authorise: { type: 'authorise', customerId: 'cus_1', currency: 'JPY', amount: 1200, paymentMethod: 'pm_ok' },
  capture: { type: 'capture' },
  undo: { type: 'undo' },
  'refund n by operator': { type: 'refund', amount: 700 },
  'effect ok': { type: 'effect ok', reference: 'auth_1' },
  'effect refused': { type: 'effect refused', reason: 'payment-declined' },
};

/** What a cell's words mean: what changes, what is said, what is started, what is refused. */
interface Meaning {
  when?: Partial<PaymentRecord>;
  event?: PaymentEvent;
  changes?: Partial<PaymentRecord>;
  says?: Step['answers'];
  starts?: Step['start'];
  refused?: string;
  alarm?: RegExp;
}

const flagged = { undo: true };
const refusedFor = (reason: 'capture-failed' | 'already-captured' | 'not-found' | 'payment-unavailable') =>
  ({ type: 'effect refused', reason }) as const;
const authorises = {
  effect: 'authorise',
  call: { key: 'pay_1:authorise', method: 'pm_ok', amount: 1200, currency: 'JPY', orderId: 'ord_1' },
} as const;
const captures = { effect: 'capture', call: { key: 'pay_1:capture', reference: 'auth_1', amount: 1200 } } as const;
const voids = { effect: 'void', call: { key: 'pay_1:void', reference: 'auth_1' } } as const;
const refunds = (n: number, amount: number) =>
  ({ effect: 'refund', call: { key: `pay_1:refund:${n}`, reference: 'auth_1', amount } }) as const;
const open = (n: number, amount: number) =>
  ({ state: 'CAPTURED', effect: 'refund', refunding: amount, refunds: n }) as const;

const bug: Meaning[] = [{ refused: 'story-bug' }];

const MEANINGS: Record<string, (payment: PaymentRecord) => Meaning[]> = {
  bug: () => bug,
  '–': () => bug,
  ignore: () => [{}],
  'PENDING (authorise)': () => [{ changes: pending, starts: authorises }],
  'answer authorised': () => [{ says: ['authorised'] }],
  'answer captured': () => [{ says: ['captured'] }],
  'answer failed': () => [{ says: ['capture-refused'] }],
  'answer its end': ({ state }) => [
    { says: [state === 'DECLINED' ? 'declined' : state === 'FAILED' ? 'failed' : 'undone'] },
  ],
  '(capture)': () => [
    { when: { reason: 'capture-failed' }, changes: { effect: 'capture', reason: null }, starts: captures },
  ],
  'VOIDED tombstone; undone': () => [{ changes: { state: 'VOIDED', undo: true }, says: ['undone'] }],
  flag: () => [{ changes: flagged }, { when: flagged }],
  '(void)': () => [{ changes: { effect: 'void', undo: true }, starts: voids }],
  '(refund the rest)': () => [
    { changes: { ...open(1, 1200), undo: true }, starts: refunds(1, 1200) },
    {
      when: { refunded: 500, refunds: 1 },
      changes: { ...open(2, 700), undo: true },
      starts: refunds(2, 700),
    },
  ],
  undone: () => [{ says: ['undone'] }],
  '404': () => [{ refused: 'payment-not-found' }],
  '409': () => [{ refused: 'payment-not-refundable' }],
  '409 `refund-in-progress`': () => [{ refused: 'refund-in-progress' }],
  'n ≤ amount − refunded ? (refund n) : 409': () => [
    { changes: open(1, 700), starts: refunds(1, 700) },
    { when: { refunded: 500, refunds: 1 }, changes: open(2, 700), starts: refunds(2, 700) },
    { when: { refunded: 501, refunds: 1 }, refused: 'refund-too-large' },
  ],
  'flag ? (void) : answer authorised': () => [
    { when: flagged, changes: { state: 'AUTHORISED', effect: 'void', reference: 'auth_1' }, starts: voids },
    { changes: { state: 'AUTHORISED', effect: null, reference: 'auth_1' }, says: ['authorised'] },
  ],
  'CAPTURED; flag ? (refund) : answer captured': () => [
    { when: flagged, changes: open(1, 1200), starts: refunds(1, 1200) },
    { changes: { state: 'CAPTURED', effect: null }, says: ['captured'] },
  ],
  'VOIDED; undone': () => [{ changes: { state: 'VOIDED', effect: null }, says: ['voided', 'undone'] }],
  'refunded += n; all → REFUNDED; flag and rest → (refund rest); answer': () => [
    { changes: { effect: null, refunding: null, refunded: 500 }, says: ['refunded', 'refund-settled'] },
    {
      when: { refunded: 700 },
      changes: { state: 'REFUNDED', effect: null, refunding: null, refunded: 1200 },
      says: ['refunded', 'refund-settled'],
    },
    {
      when: flagged,
      changes: { refunding: 700, refunds: 2, refunded: 500 },
      says: ['refunded', 'refund-settled'],
      starts: refunds(2, 700),
    },
    {
      when: { ...flagged, refunded: 700 },
      changes: { state: 'REFUNDED', effect: null, refunding: null, refunded: 1200 },
      says: ['refunded', 'undone'],
    },
  ],
  'DECLINED; flag ? undone : answer declined': () => {
    const declined = { state: 'DECLINED', effect: null, reason: 'payment-declined' } as const;
    const failed = { state: 'FAILED', effect: null, reason: 'payment-unavailable' } as const;
    return [
      { when: flagged, changes: declined, says: ['undone'] },
      { changes: declined, says: ['declined'] },
      // FAILED = never booked after all attempts.
      { event: refusedFor('payment-unavailable'), when: flagged, changes: failed, says: ['undone'] },
      { event: refusedFor('payment-unavailable'), changes: failed, says: ['failed'] },
    ];
  },
  'AUTHORISED; flag ? (void) : answer failed': () => {
    const event = refusedFor('capture-failed');
    return [
      { event, when: flagged, changes: { effect: 'void', reason: 'capture-failed' }, starts: voids },
      { event, changes: { effect: null, reason: 'capture-failed' }, says: ['capture-refused'] },
    ];
  },
  'already captured → CAPTURED (refund); not there → VOIDED': () => [
    { event: refusedFor('already-captured'), changes: open(1, 1200), starts: refunds(1, 1200) },
    { event: refusedFor('not-found'), changes: { state: 'VOIDED', effect: null }, says: ['voided', 'undone'] },
  ],
  'alarm, retry': () => [
    { changes: { refunds: 2 }, starts: { ...refunds(2, 500), afterMs: 30_000 }, alarm: /refund of 500 .* was refused/ },
  ],
};

describe('The payment table of docs/story.md', () => {
  it('has seven events and eight columns, and every cell is tested', () => {
    expect(ROWS.map((row) => row.length)).toEqual(Array(7).fill(9));
    expect(Object.keys(STANDING)).toEqual(COLUMNS);
  });

  const cells = ROWS.flatMap(([row, ...texts]) => texts.map((text, i) => ({ row: row!, column: COLUMNS[i]!, text })));

  describe.each(cells.filter(({ row }) => row !== 'effect unknown'))(
    '$row × $column: $text',
    ({ row, column, text }) => {
      const cases = STANDING[column]!.flatMap((payment) =>
        MEANINGS[text]!(payment).map((meaning) => ({ payment: { ...payment, ...meaning.when }, meaning })),
      );

      it.each(cases.map((c) => [describeCase(c.payment, c.meaning), c] as const))(
        '%s',
        (_title, { payment, meaning }) => {
          const step = advance(payment, meaning.event ?? EVENTS[row]!);
          expect(step.payment).toEqual({ ...payment, ...meaning.changes });
          // What does not change is the same object: that is how it is known not to be written.
          if (!meaning.changes) expect(step.payment).toBe(payment);
          expect(step.answers).toEqual(meaning.says ?? []);
          expect(step.start).toEqual(meaning.starts);
          expect(step.refusal?.code).toBe(meaning.refused);
          if (meaning.alarm) expect(step.alarm).toMatch(meaning.alarm);
          else expect(step.alarm).toBeUndefined();
        },
      );
    },
  );

  // What "ask by key" does is tested in provider-effect.spec.ts: no step is taken.
  it.each(cells.filter(({ row }) => row === 'effect unknown'))(
    'effect unknown × $column: $text, where an effect is open',
    ({ column, text }) => {
      for (const { effect } of STANDING[column]!) expect(effect !== null).toBe(text.startsWith('ask by key'));
    },
  );

  it('knows the column of every payment', () => {
    for (const [column, payments] of Object.entries(STANDING))
      for (const payment of payments)
        expect(columnOf(payment)).toBe(column.startsWith('DECLINED') ? 'ended' : column.replace(' n)', ')'));
  });
});

function describeCase(payment: PaymentRecord, { event }: Meaning): string {
  const given = [
    payment.state,
    payment.undo && 'flagged',
    payment.refunded > 0 && `${payment.refunded} refunded`,
    event?.type === 'effect refused' && event.reason,
  ];
  return `when ${given.filter(Boolean).join(', ')}`;
}
