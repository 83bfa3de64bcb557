import { Sets, TooManyWaiting } from './sets.js';

type Call = { key: string; n: number };

/** Work that takes a turn of the event loop and remembers the sets it got. */
function recording(fail: (set: Call[]) => boolean = () => false) {
  const seen: Call[][] = [];
  const work = async (set: Call[]) => {
    seen.push(set);
    await new Promise(setImmediate);
    if (fail(set)) throw new Error('broken set');
    return set.map(({ n }) => n * 10);
  };
  return { seen, work };
}

const calls = (count: number, key = (n: number) => `k${n}`) =>
  Array.from({ length: count }, (_, n) => ({ key: key(n), n }));

describe('Sets', () => {
  it('takes what arrives together, and what arrives meanwhile as the next set, each with its own result', async () => {
    const { seen, work } = recording();
    const sets = new Sets(work);
    const first = calls(3).map((call) => sets.add(call));
    await new Promise(setImmediate);
    const second = calls(2, (n) => `later${n}`).map((call) => sets.add(call));
    expect(await Promise.all([...first, ...second])).toEqual([0, 10, 20, 0, 10]);
    expect(seen.map((set) => set.length)).toEqual([3, 2]);
  });

  it('never puts one key twice into a set and keeps the order of its calls', async () => {
    const { seen, work } = recording();
    const sets = new Sets(work);
    await Promise.all(calls(6, (n) => (n % 2 ? 'odd' : 'even')).map((call) => sets.add(call)));
    expect(seen.map((set) => set.map(({ n }) => n))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });

  it('cuts at the largest size', async () => {
    const { seen, work } = recording();
    const sets = new Sets(work, 4);
    await Promise.all(calls(10).map((call) => sets.add(call)));
    expect(seen.map((set) => set.length)).toEqual([4, 4, 2]);
  });

  it('lets a broken set fail its own calls only', async () => {
    const { work } = recording((set) => set.some(({ n }) => n === 1));
    const sets = new Sets(work, 2);
    const outcomes = await Promise.allSettled(calls(4).map((call) => sets.add(call)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
  });

  it('refuses beyond what may wait, instead of collecting without bound', async () => {
    const { work } = recording();
    const sets = new Sets(work, 2, 3);
    const outcomes = await Promise.allSettled(calls(4).map((call) => sets.add(call)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[3]).toMatchObject({ reason: expect.any(TooManyWaiting) });
    await expect(sets.add({ key: 'again', n: 7 })).resolves.toBe(70);
  });
});
