import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedger } from './ledger.js';
import { Refused } from './requests.js';
import { Routes, type Reply } from './routes.js';
import { TooManyWaiting } from './sets.js';

/** Longer than any client keeps an idle connection, so that none is closed under a request on its way. */
const KEEP_ALIVE_MS = 75_000;
const CLOSE_WITHIN_MS = 5_000;

/** Where the sandbox keeps its ledger and where it listens; `warn` hears of trouble with the database. */
export interface SandboxOptions {
  databaseUrl: string;
  /** 0 or unset = any free one. */
  port?: number;
  /** Unset = loopback only. */
  host?: string;
  warn?: (trouble: string) => void;
}

/** A running sandbox. */
export interface Sandbox {
  readonly url: string;
  /** Stops accepting, finishes what is in flight within 5 s, ends the connections that are never answered. */
  close(): Promise<void>;
}

/** Starts the sandbox payment provider: an HTTP server with a ledger of its own. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { databaseUrl, port = 0, host = '127.0.0.1', warn = () => undefined } = options;
  const ledger = await openLedger(databaseUrl, warn);
  const routes = new Routes(ledger);
  const unanswered = new Set<ServerResponse>();
  let closing: Promise<void> | undefined;

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void replyTo(request, routes, warn).then((reply) => {
      if (response.destroyed) return;
      if (reply !== 'silence') return send(response, reply, closing !== undefined);
      if (closing) return response.destroy();
      unanswered.add(response.on('close', () => unanswered.delete(response)));
    });
  });

  async function end(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const response of unanswered) response.destroy();
    const late = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
    await closed;
    clearTimeout(late);
    await ledger.end();
  }

  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    await ledger.end();
    throw error;
  }
  const bound = (server.address() as AddressInfo).port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, close: () => (closing ??= end()) };
}

async function replyTo(request: IncomingMessage, routes: Routes, warn: (trouble: string) => void): Promise<Reply> {
  try {
    const reply = await routes.reply(request);
    if (reply !== 'silence' && reply.delayMs) await sleep(reply.delayMs);
    return reply;
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, body: { error: error.message } };
    if (!(error instanceof TooManyWaiting) && !request.errored) warn(`ledger: ${(error as Error).message}`);
    return { status: 503, body: { error: 'unavailable' } };
  }
}

function send(response: ServerResponse, reply: Exclude<Reply, 'silence'>, closing: boolean): void {
  const body = JSON.stringify(reply.body);
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  // After a refused body the rest of it is still on its way, and while closing nobody may come back.
  if (closing || reply.status === 413) headers.connection = 'close';
  response.writeHead(reply.status, headers).end(body);
}
