/** So many calls in a row without an answer: nobody is there. */
const OPENS_AFTER = 3;
const PROBE_MS = 1_000;

/**
 * A circuit breaker: while somebody does not answer, one call a second goes out as a probe and all others are refused at once,
 * instead of waiting for their deadlines. (Those of libraries that are kept up need Node 22.)
 */
export class Breaker {
  private failures = 0;
  private probeAt = 0;

  get open(): boolean {
    return this.failures >= OPENS_AFTER;
  }

  /** Whether a call may go out now. */
  admits(now = performance.now()): boolean {
    if (!this.open) return true;
    if (now < this.probeAt) return false;
    this.probeAt = now + PROBE_MS;
    return true;
  }

  /** A call got no answer. True when that opened the circuit. */
  failed(now = performance.now()): boolean {
    this.failures++;
    this.probeAt = now + PROBE_MS;
    return this.failures === OPENS_AFTER;
  }

  /** A call got its answer. True when that closed the circuit. */
  answered(): boolean {
    const closed = this.open;
    this.failures = 0;
    return closed;
  }
}
