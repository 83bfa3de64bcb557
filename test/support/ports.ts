import { createServer } from 'node:net';

// Linux gives 32768-60999 to outgoing connections: a server told to listen there died twice of eaddrinuse
// although nothing listened. So ports are drawn below; at random, because Jest's workers draw side by side.
const LOWEST = 20_000;
const HIGHEST = 32_000;
const given = new Set<number>();

/** A TCP port on which nothing listens on 127.0.0.1, below 32768; never the same one twice in a process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST} on 127.0.0.1 in 200 attempts.`);
}

/** Whether a server could listen on 127.0.0.1 at this port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
