/** How long a run may take: `short` in `npm test`, `quick` in ten minutes, `full` in hours. */
type Size = 'short' | 'quick' | 'full';

const SIZE = (process.env['SANMON_FAULT_SIZE'] || 'short') as Size;

/** The value for the size of this run; without one for `short` the case belongs to `npm run test:faults` alone. */
export function sized<T>(values: { short?: T; quick: T; full: T }): T {
  return SIZE === 'short' ? (values.short ?? values.quick) : values[SIZE];
}
