/** Says on stderr what the test rig is doing; Jest keeps stdout for its results when `--json` is asked for. */
export function announce(line: string): void {
  process.stderr.write(`test rig: ${line}\n`);
}

/** Announces what was brought up and how long it took. */
export async function timed<T>(what: (value: T) => string, work: Promise<T>): Promise<T> {
  const began = performance.now();
  const value = await work;
  announce(`${what(value)} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return value;
}
