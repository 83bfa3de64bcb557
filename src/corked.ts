import type { Writable } from 'node:stream';

/** `pg` and `amqplib` have the same names for the socket below a client or a channel; neither is part of their interface. */
interface Driver {
  connection?: { stream?: Partial<Pick<Writable, 'cork' | 'uncork'>> };
}

/**
 * Holds back what a driver writes to its socket until the answer is called, so that all of it leaves with one system call. Those
 * were a fifth of a process under load, and a third at 50 orders a second. A driver may hide its socket: then each piece leaves alone, and nothing else changes.
 */
export function corked(driver: object): () => void {
  const socket = (driver as Driver).connection?.stream;
  socket?.cork?.();
  return () => socket?.uncork?.();
}
