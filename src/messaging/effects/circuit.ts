/** So many tries in a row without an answer mean that nobody is there, rather than that one call is difficult. */
const OPENS_AFTER = 5;
const PROBE_MS = 5_000;

/** Whether what one kind of effect asks answers at all, as this process sees it. */
export class Circuit {
  private failures = 0;
  private probedAt = -Infinity;

  /** Nobody answers: what waits will be due at once when somebody does. */
  get open(): boolean {
    return this.failures >= OPENS_AFTER;
  }

  /** A try got no answer. Answers when it is made again, in ms: every 5 s one of all that wait is the probe. */
  failed(delayMs: number, now = performance.now()): number {
    this.failures++;
    if (!this.open || now - this.probedAt < PROBE_MS) return delayMs;
    this.probedAt = now;
    return Math.min(delayMs, PROBE_MS);
  }

  /** A try got an answer, whatever it was. */
  answered(): void {
    this.failures = 0;
  }
}
