import { Breaker } from './breaker.js';

describe('a circuit breaker', () => {
  const opened = (): Breaker => {
    const breaker = new Breaker();
    expect([1, 2, 3].map(() => breaker.failed(0))).toEqual([false, false, true]);
    return breaker;
  };

  it('lets calls through while fewer than three in a row got no answer', () => {
    const breaker = new Breaker();
    breaker.failed(0);
    breaker.failed(0);
    expect(breaker.answered()).toBe(false);
    breaker.failed(0);
    breaker.failed(0);
    expect([breaker.open, breaker.admits(0)]).toEqual([false, true]);
  });

  it('refuses all but one call a second while it is open', () => {
    const breaker = opened();
    expect([breaker.open, breaker.admits(999), breaker.admits(1_000), breaker.admits(1_001)]).toEqual([
      ...[true, false, true, false],
    ]);
    expect([breaker.failed(1_500), breaker.admits(2_400), breaker.admits(2_500)]).toEqual([false, false, true]);
  });

  it('closes with the first answer', () => {
    const breaker = opened();
    expect(breaker.answered()).toBe(true);
    expect([breaker.open, breaker.admits(1), breaker.admits(2)]).toEqual([false, true, true]);
  });
});
