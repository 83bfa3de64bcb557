/** How long something stands that others rest on: they stop, and stop sleeping, when it is over. */
export class Lifetime {
  private readonly onEnd = new Set<() => void>();
  over = false;

  end(): void {
    this.over = true;
    for (const wake of this.onEnd) wake();
    this.onEnd.clear();
  }

  /** Sleeps, at most until the end. */
  sleep(ms: number): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.onEnd.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.onEnd.add(wake);
    });
  }
}
