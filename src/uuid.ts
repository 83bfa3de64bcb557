import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

// The library asks the kernel for every id: about 25 system calls an order. One call fills 256 ids instead.
const POOL = new Uint8Array(256 * 16);
let used = POOL.length;
let msecs = 0;
let seq = 0;

/** A new UUIDv7 (RFC 9562), later ones of this process after earlier ones: the counter of its section 6.2, method 1. */
export function uuidv7(): string {
  if (used === POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  const random = POOL.subarray(used, (used += 16));
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // Half of the counter is left free, so that it does not run over within a millisecond.
    seq = ((random[6]! & 0x3f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
  } else seq++;
  return v7({ random, msecs, seq });
}
