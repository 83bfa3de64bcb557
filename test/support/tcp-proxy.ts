import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { reset } from './reset.js';

/** `pass`: forwards. `black-hole`: takes everything and forwards nothing, with no RST, as a dead link does. */
export type Mode = 'pass' | 'black-hole';

/** One direction of one connection. */
export type Direction = 'to-server' | 'to-client';

interface Hold {
  direction: Direction;
  pattern: Buffer;
  reached: () => void;
}

/** A wire that can be broken: stands between the product and a server it talks to over TCP. */
export class TcpProxy {
  private mode: Mode = 'pass';
  private hold?: Hold;
  private refusedAt?: number;
  private readonly pairs = new Set<[Socket, Socket]>();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on('connection', (client) => this.join(client));
  }

  static async to(host: string, port: number): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new TcpProxy(server, { host, port });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same url, through the proxy. */
  static async before(url: string): Promise<{ proxy: TcpProxy; url: string }> {
    const { hostname, port } = new URL(url);
    const proxy = await TcpProxy.to(hostname, Number(port));
    return { proxy, url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(proxy.port) }).href };
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.pairs.size;
  }

  /** What was swallowed in a black hole is lost; a connection that lived through one stays deaf, as after a lost route. */
  set(mode: Mode): void {
    this.mode = mode;
  }

  /** RST on every connection; new ones are taken. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) reset(socket);
  }

  /** Lets bytes pass until `pattern` shows up in one direction; from then on nothing passes there. Resolves when it did. */
  holdOn(direction: Direction, pattern: Buffer | string): Promise<void> {
    return new Promise((reached) => {
      this.hold = { direction, pattern: Buffer.from(pattern), reached };
    });
  }

  /** As if nothing listened there, until `accept`. */
  async refuse(): Promise<void> {
    this.refusedAt = this.port;
    await this.close();
  }

  accept(): Promise<void> {
    return new Promise((resolve) => this.server.listen(this.refusedAt, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket): void {
    const server = connect({ ...this.target, noDelay: true });
    const pair: [Socket, Socket] = [client, server];
    this.pairs.add(pair);
    this.forward(client, server, 'to-server');
    this.forward(server, client, 'to-client');
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.pairs.delete(pair);
        if (this.mode === 'pass') pair.forEach((s) => s.destroy());
      });
    }
  }

  private forward(from: Socket, to: Socket, direction: Direction): void {
    let deaf = false;
    let tail = Buffer.alloc(0);
    from.on('data', (bytes: Buffer) => {
      deaf ||= this.mode === 'black-hole';
      const hold = this.hold;
      if (!deaf && hold?.direction === direction) {
        // The pattern may be cut in two by the segments of TCP.
        const seen = Buffer.concat([tail, bytes]);
        tail = seen.subarray(Math.max(0, seen.length - hold.pattern.length));
        if (seen.includes(hold.pattern)) {
          deaf = true;
          this.hold = undefined;
          hold.reached();
        }
      }
      if (!deaf) to.write(bytes);
    });
    from.on('end', () => {
      if (!deaf && this.mode === 'pass') to.end();
    });
  }
}
