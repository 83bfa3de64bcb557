const began = performance.now();

/** Says on stderr what is going on; stdout is for the results. */
export function progress(line: string): void {
  const seconds = Math.round((performance.now() - began) / 1_000);
  const clock = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  process.stderr.write(`${clock}  ${line}\n`);
}
