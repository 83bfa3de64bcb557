import { Failure } from '../failure.js';
import { type Instruction, type Standing, type Step, stock } from './stock.js';

/** docs/story.md, "Stock", in the shortest form: what is answered, how it stands then, where the pieces go. */
const cells: [Standing, Instruction, boolean, Step | 'bug'][] = [
  ['none', 'reserve', true, { state: 'HELD', moves: 'take', answers: ['reserved'] }],
  ['none', 'reserve', false, { state: 'REFUSED', answers: ['refused'] }],
  ['none', 'sell', true, 'bug'],
  ['none', 'undo', true, { state: 'GONE', answers: ['undone'] }],
  ['HELD', 'reserve', false, { answers: ['reserved'] }],
  ['HELD', 'sell', false, { state: 'SOLD', moves: 'hand-over', answers: ['sold'] }],
  ['HELD', 'undo', false, { state: 'GONE', moves: 'put-back', answers: ['released', 'undone'] }],
  ['REFUSED', 'reserve', true, { answers: ['refused'] }],
  ['REFUSED', 'sell', true, 'bug'],
  ['REFUSED', 'undo', true, { answers: ['undone'] }],
  ['SOLD', 'reserve', false, { answers: ['reserved'] }],
  ['SOLD', 'sell', false, { answers: ['sold'] }],
  ['SOLD', 'undo', false, { state: 'GONE', moves: 'take-back', answers: ['released', 'undone'] }],
  ['GONE', 'reserve', true, { answers: ['refused'] }],
  ['GONE', 'sell', true, 'bug'],
  ['GONE', 'undo', true, { answers: ['undone'] }],
];

describe('the stock of one order', () => {
  it.each(cells)('standing at %s and told to %s (enough there: %s) does what the story says', (...cell) => {
    const [standing, instruction, enough, expected] = cell;
    const step = stock[standing][instruction](enough);
    if (expected !== 'bug') return expect(step).toEqual(expected);
    expect(step).toEqual({ answers: [], refused: expect.any(Failure) });
    expect(step.refused!.code).toBe('story-bug');
  });

  it('has no cell that is not written down here', () => {
    const defined = Object.entries(stock).flatMap(([standing, row]) => Object.keys(row).map((i) => `${standing} ${i}`));
    expect(new Set(cells.map(([standing, instruction]) => `${standing} ${instruction}`))).toEqual(new Set(defined));
  });
});
