import { Logger } from '@nestjs/common';
import { Refusals } from './refusals.js';

const refusal = { principal: 'nobody', operation: 'orders.place', gate: 'rest', code: 'unauthenticated' };

const told = (about: object = {}): string[] => Object.entries(about).map((field) => field.join('='));

describe('the log of refusals', () => {
  let lines: string[];
  beforeEach(() => {
    lines = [];
    jest.useFakeTimers();
    jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((line: string, about?: object) => void lines.push([line, ...told(about)].join(' ')));
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('names who was refused what, where, why, and which request that was', () => {
    new Refusals().note({ ...refusal, requestId: 'r-1' });
    expect(lines).toEqual(['nobody: orders.place over rest: unauthenticated requestId=r-1']);
  });

  it('writes one line and one number of a thousand alike', () => {
    const refusals = new Refusals();
    for (let i = 0; i < 1_000; i++) refusals.note({ ...refusal, requestId: `r-${i}` });
    jest.advanceTimersByTime(10_000);
    expect(lines).toEqual([
      'nobody: orders.place over rest: unauthenticated requestId=r-0',
      'nobody: orders.place over rest: unauthenticated, 999 times more',
    ]);
    refusals.note(refusal);
    expect(lines).toHaveLength(3);
  });

  it('writes at most 201 lines in ten seconds, however many callers are refused', () => {
    const refusals = new Refusals();
    for (let i = 0; i < 3_000; i++) refusals.note({ ...refusal, principal: `customer:${i % 1_000}` });
    jest.advanceTimersByTime(10_000);
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe('2700 refusals more, of other kinds');
  });

  it('says what it has not said yet when the house closes', () => {
    const refusals = new Refusals();
    refusals.note(refusal);
    refusals.note(refusal);
    refusals.onModuleDestroy();
    expect(lines.at(-1)).toBe('nobody: orders.place over rest: unauthenticated, 1 times more');
  });
});
