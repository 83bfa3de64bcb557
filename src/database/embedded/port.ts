import { once } from 'node:events';
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

// Below 32768, where the ephemeral range begins: no outgoing connection can hold one of these.
const LOWEST = 20_000;
const HIGHEST = 30_000;
const TRIES = 200;

/** A port of 127.0.0.1 that nobody listens on: the preferred one if it is free, else one at random. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred && (await isFree(preferred))) return preferred;
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port in ${LOWEST}-${HIGHEST} after ${TRIES} tries`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
