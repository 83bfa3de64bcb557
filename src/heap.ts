import { setFlagsFromString } from 'node:v8';

/** How much the old generation may grow beyond what was alive at the last full collection, percent. */
const GROWING_PERCENT = 100;

/**
 * Keeps the garbage of a busy process small. An order lives through several commits, long enough that V8 takes it for old;
 * left alone V8 then lets 60 MB of living objects grow to 270 before it collects: 363 MB of memory under full load, about 250 with
 * this, for some per cent of CPU (docs/decisions/0037).
 */
export function boundGarbage(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}
