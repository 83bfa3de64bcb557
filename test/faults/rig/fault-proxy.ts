import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { reset } from '../../support/reset.js';
import { type Direction, type Rule, Trap, Watch } from './trap.js';

/** What the proxy does with everything: forward, refuse and reset, swallow, or forward each piece later. */
export type Mode = 'pass' | 'cut' | 'black-hole' | { delayMs: number };

interface Wire {
  client: Socket;
  server: Socket;
  watch: Watch;
  held: Record<Direction, Buffer[] | undefined>;
}

/** A TCP proxy on 127.0.0.1 that stands between the product and one thing it needs, and breaks the way as told. */
export class FaultProxy {
  mode: Mode = 'pass';
  private readonly wires = new Set<Wire>();
  private traps: Trap[] = [];

  private constructor(
    private target: { host: string; port: number },
    private readonly server: Server,
  ) {}

  /** Stands before the host and port of this URL. */
  static async before(url: string): Promise<FaultProxy> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new FaultProxy({ host: hostname, port: Number(port) }, server);
    server.on('connection', (client) => proxy.accept(client));
    return proxy;
  }

  /** The same URL, leading through this proxy. */
  through(url: string): string {
    const { port } = this.server.address() as AddressInfo;
    return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href;
  }

  /** From now on new connections lead to another server; open ones stay. */
  retarget(url: string): void {
    const { hostname, port } = new URL(url);
    this.target = { host: hostname, port: Number(port) };
  }

  /** Lays a trap: what matches is held, cut, rewritten or answered, until `trap.remove()`. */
  lay(rule: Rule): Trap {
    const trap = new Trap(rule, () => (this.traps = this.traps.filter((t) => t !== trap)));
    this.traps.push(trap);
    return trap;
  }

  /** Every connection there is now is reset. */
  cutAll(): void {
    for (const wire of this.wires) cut(wire);
  }

  /** From now on: a new mode; `cut` resets what is open, too. */
  turn(mode: Mode): void {
    this.mode = mode;
    if (mode === 'cut') this.cutAll();
  }

  async close(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.mode === 'cut') return reset(client);
    const server = connect({ ...this.target, noDelay: true });
    client.setNoDelay(true);
    const wire: Wire = { client, server, watch: new Watch(), held: { up: undefined, down: undefined } };
    this.wires.add(wire);
    server.on('error', () => undefined);
    // Whoever ends, ends both: a killed client leaves its server with a broken connection, as in life.
    client.on('close', () => (this.wires.delete(wire), server.destroy()));
    server.on('close', () => (this.wires.delete(wire), client.destroy()));
    client.on('data', (chunk) => this.pass(wire, 'up', chunk));
    server.on('data', (chunk) => this.pass(wire, 'down', chunk));
  }

  private pass(wire: Wire, direction: Direction, chunk: Buffer): void {
    const held = wire.held[direction];
    if (held) return void held.push(chunk);
    const trap = wire.watch.sees(direction, chunk, this.traps);
    if (trap) return this.spring(trap, wire, direction, chunk);
    this.forward(wire, direction, chunk);
  }

  private spring(trap: Trap, wire: Wire, direction: Direction, chunk: Buffer): void {
    const { action } = trap.rule;
    trap.spring(() => this.release(wire, direction));
    if (action === 'count') this.forward(wire, direction, chunk);
    else if (action === 'hold') wire.held[direction] = [chunk];
    else if (action === 'cut') cut(wire);
    else if ('answer' in action) wire.client.write(action.answer);
    else {
      const text = chunk.toString('latin1').replace(trap.rule.match, action.replace);
      this.forward(wire, direction, Buffer.from(text, 'latin1'));
    }
  }

  private release(wire: Wire, direction: Direction): void {
    const held = wire.held[direction] ?? [];
    wire.held[direction] = undefined;
    for (const chunk of held) this.forward(wire, direction, chunk);
  }

  private forward(wire: Wire, direction: Direction, chunk: Buffer): void {
    if (this.mode === 'black-hole') return;
    const socket = direction === 'up' ? wire.server : wire.client;
    const write = () => void (socket.destroyed || socket.write(chunk));
    // Timers of one length fire in order, so the pieces stay in order.
    if (typeof this.mode === 'object') setTimeout(write, this.mode.delayMs);
    else write();
  }
}

function cut({ client, server }: Wire): void {
  reset(client);
  reset(server);
}
