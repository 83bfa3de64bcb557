/** How long a run may take: `short` in `npm test`, `quick` in ten minutes, `release` in one hour, `full` in hours. */
type Size = 'short' | 'quick' | 'release' | 'full';

const SIZE = (process.env['SANMON_FAULT_SIZE'] || 'short') as Size;

/**
 * The value for the size of this run. Without one for `short` the case belongs to `npm run test:faults` alone; without
 * one for `release` that run is content with the quick one.
 */
export function sized<T>(values: { short?: T; quick: T; release?: T; full: T }): T {
  return values[SIZE] ?? values.quick;
}
