/** How often the event loop is looked at, and what it may be late by: more is a pause of this process, or of the machine. */
const EVERY_MS = 20;
const LATE_MS = 100;

/**
 * Measures how long somebody waits, for upper bounds: what this process could not run is no part of it. Answers how it is
 * read, which ends it. It cannot see what itself blocks the event loop; that is what process.cpuUsage() is for.
 */
export function stopwatch(): () => number {
  const began = performance.now();
  let looked = began;
  let paused = 0;
  const look = (): number => {
    const now = performance.now();
    const late = now - looked - EVERY_MS;
    if (late > LATE_MS) paused += late;
    return (looked = now);
  };
  const timer = setInterval(look, EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    return look() - began - paused;
  };
}
