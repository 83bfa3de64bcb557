import type { Socket } from 'node:net';

/**
 * Ends a connection with an RST. One that is ending already is only destroyed: while its FIN is on the way libuv refuses
 * the reset (EINVAL), Node 20 then loses the handle, and the process can never exit.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded || socket.destroyed) socket.destroy();
  else socket.resetAndDestroy();
}
