interface Waiting<C, R> {
  call: C;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/** Thrown instead of letting callers wait without bound. */
export class TooManyWaiting extends Error {}

/**
 * Makes sets out of single calls: whatever arrives while a set is at work is the next set, so a burst costs one
 * statement and one commit instead of one each. A set holds one call per key; a further one of that key goes with a
 * later set and finds the first one booked.
 */
export class Sets<C extends { key: string }, R> {
  private waiting: Waiting<C, R>[] = [];
  private running = false;

  constructor(
    private readonly work: (set: C[]) => Promise<R[]>,
    private readonly largest = 500,
    private readonly mostWaiting = 5_000,
  ) {}

  /** Resolves to this call's own result of the set it went with. */
  add(call: C): Promise<R> {
    if (this.waiting.length >= this.mostWaiting) return Promise.reject(new TooManyWaiting());
    return new Promise((resolve, reject) => {
      this.waiting.push({ call, resolve, reject });
      if (this.running) return;
      this.running = true;
      // Not at once: what came with the same read of the sockets goes together.
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const set = this.next();
      try {
        const results = await this.work(set.map(({ call }) => call));
        set.forEach(({ resolve }, i) => resolve(results[i]!));
      } catch (error) {
        for (const { reject } of set) reject(error);
      }
    }
    this.running = false;
  }

  private next(): Waiting<C, R>[] {
    const set = new Map<string, Waiting<C, R>>();
    const later: Waiting<C, R>[] = [];
    for (const one of this.waiting) {
      if (set.size < this.largest && !set.has(one.call.key)) set.set(one.call.key, one);
      else later.push(one);
    }
    this.waiting = later;
    return [...set.values()];
  }
}
