import fc from 'fast-check';
import { Allotment, type Asking, type Pieces } from './allotment.js';
import type { StockLine } from './index.js';
import type { Instruction, Standing } from './stock.js';

const item = (sku: string, available: number, reserved = 0, sold = 0): Pieces => ({ sku, available, reserved, sold });
const lines = (...of: [string, number][]): StockLine[] => of.map(([sku, quantity]) => ({ sku, quantity }));
const asking = (
  orderId: string,
  of: StockLine[],
  instruction: Instruction = 'reserve',
  standing: Standing = 'none',
) => ({
  orderId,
  instruction,
  standing,
  lines: of,
});
const answers = (allotment: Allotment, asked: Asking[]): string[] =>
  asked.map((one) => allotment.decide(one).answers.join(' '));

describe('allotting a set of orders', () => {
  it('gives 20 of 50 orders the 20 pieces there are, and those are the first 20', () => {
    const allotment = new Allotment([item('TEA', 20)]);
    const asked = Array.from({ length: 50 }, (_, i) => asking(`ord_${i}`, lines(['TEA', 1])));
    const said = answers(allotment, asked);
    expect(said.slice(0, 20)).toEqual(Array(20).fill('reserved'));
    expect(said.slice(20)).toEqual(Array(30).fill('refused'));
    expect(allotment.sums()).toEqual([item('TEA', -20, 20)]);
  });

  it('takes nothing of the other SKU for an order refused for one', () => {
    const allotment = new Allotment([item('CUP', 5), item('TEA', 1)]);
    const said = answers(allotment, [
      asking('first', lines(['CUP', 2], ['TEA', 1])),
      asking('second', lines(['CUP', 2], ['TEA', 1])),
      asking('third', lines(['CUP', 3])),
    ]);
    expect(said).toEqual(['reserved', 'refused', 'reserved']);
    expect(allotment.sums()).toEqual([item('CUP', -5, 5), item('TEA', -1, 1)]);
  });

  it('lets a small order have what was too little for a larger one before it', () => {
    const allotment = new Allotment([item('TEA', 3)]);
    const said = answers(allotment, [asking('large', lines(['TEA', 4])), asking('small', lines(['TEA', 3]))]);
    expect(said).toEqual(['refused', 'reserved']);
  });

  it('counts a SKU that stands in two lines of one order with both', () => {
    const allotment = new Allotment([item('TEA', 3)]);
    expect(answers(allotment, [asking('twice', lines(['TEA', 2], ['TEA', 2]))])).toEqual(['refused']);
    expect(allotment.sums()).toEqual([]);
  });

  it('refuses an order for an unknown SKU', () => {
    const allotment = new Allotment([item('TEA', 3)]);
    expect(answers(allotment, [asking('odd', lines(['TEA', 1], ['NONE', 1]))])).toEqual(['refused']);
    expect(allotment.sums()).toEqual([]);
  });

  it('lets a later order of the set have what an earlier one gave back', () => {
    const allotment = new Allotment([item('TEA', 0, 2, 3)]);
    const said = answers(allotment, [
      asking('early', lines(['TEA', 1])),
      asking('held', lines(['TEA', 2]), 'undo', 'HELD'),
      asking('sold', lines(['TEA', 3]), 'undo', 'SOLD'),
      asking('late', lines(['TEA', 5])),
    ]);
    expect(said).toEqual(['refused', 'released undone', 'released undone', 'reserved']);
    expect(allotment.sums()).toEqual([item('TEA', 0, 3, -3)]);
  });

  it('hands reserved pieces over when they are sold', () => {
    const allotment = new Allotment([item('TEA', 1, 2)]);
    expect(answers(allotment, [asking('one', lines(['TEA', 2]), 'sell', 'HELD')])).toEqual(['sold']);
    expect(allotment.sums()).toEqual([item('TEA', 0, -2, 2)]);
  });

  it('leaves out items that came out even', () => {
    const allotment = new Allotment([item('TEA', 1, 1)]);
    answers(allotment, [
      asking('back', lines(['TEA', 1]), 'undo', 'HELD'),
      asking('away', lines(['TEA', 1]), 'reserve', 'none'),
    ]);
    expect(allotment.sums()).toEqual([]);
  });

  it('never takes more than there is and never loses a piece, whatever is asked', () => {
    const sku = fc.constantFrom('A', 'B', 'C');
    const line = fc.record({ sku, quantity: fc.integer({ min: 1, max: 5 }) });
    const baskets = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 40 });
    fc.assert(
      fc.property(baskets, fc.integer({ min: 0, max: 30 }), (wanted, there) => {
        const allotment = new Allotment(['A', 'B', 'C'].map((of) => item(of, there)));
        const given = wanted.filter((of, i) => allotment.decide(asking(`${i}`, of)).state === 'HELD');
        for (const { sku, available, reserved } of allotment.sums()) {
          const taken = given.flat().filter((l) => l.sku === sku);
          expect(reserved).toBe(taken.reduce((sum, { quantity }) => sum + quantity, 0));
          expect(available).toBe(-reserved);
          expect(reserved).toBeLessThanOrEqual(there);
        }
      }),
    );
  });
});
