/** Makes sets out of single calls without a timer: what arrives while a set is at work is the next set. */
export class Gatherer<A, R> {
  private waiting: { asked: A; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  private running = false;

  constructor(
    private readonly work: (set: A[]) => Promise<R[]>,
    private readonly largest = 500,
  ) {}

  add(asked: A): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ asked, resolve, reject });
      if (this.running) return;
      this.running = true;
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const set = this.waiting.splice(0, this.largest);
      try {
        const results = await this.work(set.map((one) => one.asked));
        set.forEach((one, i) => one.resolve(results[i]!));
      } catch (error) {
        set.forEach((one) => one.reject(error));
      }
    }
    this.running = false;
  }
}
