import fc from 'fast-check';
import { judge, type Authorisation, type Wish } from './authorisation.js';

const granted: Authorisation = { method: 'pm_ok', amount: 1000, captured: null, refunded: 0, voided: false };

/** Lets the wishes come one after the other; answers the refusals (null = granted) and what is left. */
function after(wishes: Wish[], start = granted) {
  let authorisation = start;
  const refusals = wishes.map((wish) => {
    const verdict = judge(authorisation, wish);
    if ('refusal' in verdict) return verdict.refusal;
    authorisation = verdict.becomes;
    return null;
  });
  return { authorisation, refusals };
}

describe('An authorisation', () => {
  const capture = (amount: number): Wish => ({ kind: 'capture', amount });
  const refund = (amount: number): Wish => ({ kind: 'refund', amount });
  const undo: Wish = { kind: 'void' };

  it.each<[string, Wish[], (string | null)[]]>([
    ['is captured once', [capture(1000), capture(1000)], [null, 'already-captured']],
    ['is captured up to its amount', [capture(1001), capture(999)], ['exceeds-authorised', null]],
    ['is not voided once it is captured', [capture(1000), undo], [null, 'already-captured']],
    ['is not captured once it is voided', [undo, capture(1000)], [null, 'already-voided']],
    ['is voided once', [undo, undo], [null, 'already-voided']],
    ['is not refunded before it is captured', [refund(1), capture(1000)], ['not-captured', null]],
    [
      'is refunded in parts up to what was captured',
      [capture(900), refund(400), refund(501), refund(500)],
      [null, null, 'exceeds-captured', null],
    ],
    [
      'of nothing is captured and refunded as nothing',
      [capture(0), refund(0), refund(1)],
      [null, null, 'exceeds-captured'],
    ],
  ])('%s', (_claim, wishes, refusals) => {
    expect(after(wishes).refusals).toEqual(refusals);
  });

  it('of pm_capture_fails is never captured and can be voided', () => {
    const failing = { ...granted, method: 'pm_capture_fails' };
    expect(after([capture(1000), capture(1), undo], failing).refusals).toEqual([
      'capture-failed',
      'capture-failed',
      null,
    ]);
  });

  it('keeps refunded ≤ captured ≤ authorised and is never both captured and voided, whatever is wished', () => {
    const amount = fc.integer({ min: 0, max: 1500 });
    const wish = fc.oneof(
      fc.record({ kind: fc.constantFrom('capture' as const, 'refund' as const), amount }),
      fc.constant(undo),
    );
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 12 }), (wishes) => {
        const { authorisation, refusals } = after(wishes);
        const { captured, refunded, voided } = authorisation;
        expect(refunded).toBeLessThanOrEqual(captured ?? 0);
        expect(captured ?? 0).toBeLessThanOrEqual(1000);
        expect(voided && captured !== null).toBe(false);
        const paidBack = wishes.reduce((sum, w, i) => (w.kind === 'refund' && !refusals[i] ? sum + w.amount : sum), 0);
        expect(refunded).toBe(paidBack);
      }),
    );
  });
});
