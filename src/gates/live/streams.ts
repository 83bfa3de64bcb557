import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Access } from '../../access/access.js';
import type { Scope } from '../../access/principal.js';
import { Failure, unavailable } from '../../failure.js';
import type { Channel } from './channel.js';
import { Reader } from './reader.js';

const LOOK_MS = 1_000;
const CHECK_MS = 5_000;
/** Below the 30 to 60 s after which proxies give up on a silent connection. */
const BEAT_MS = 15_000;
const AT_MOST = 10_000;

/** With what a stream was opened, so that it can be judged again while it lasts. */
export interface Permit {
  /** The whole value of `authorization`. */
  authorization?: string;
  scope: Scope;
}

/** Every open stream of this process, over all channels. */
@Injectable()
export class Streams implements OnModuleDestroy {
  private readonly open = new Map<Reader, Permit>();
  private readonly timer: NodeJS.Timeout;
  private readonly leavers: (() => void)[] = [];
  private leaving = false;
  private looks = 0;

  constructor(private readonly access: Access) {
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  get size(): number {
    return this.open.size;
  }

  /** Throws when no stream may begin here now. Ask before a channel is made of a call. */
  demandRoom(): void {
    if (this.leaving) throw leaving();
    if (this.open.size >= AT_MOST)
      throw new Failure('exhausted', 'too-many-streams', `This process has ${AT_MOST} streams open.`, {
        retryAfter: 5,
      });
  }

  /** Takes a channel under care: heartbeats, bounds, and the end of its permit. */
  take(channel: Channel, permit: Permit): Reader {
    const reader = new Reader(channel);
    this.open.set(reader, permit);
    reader.onOver(() => this.open.delete(reader));
    if (this.leaving) reader.end(leaving());
    return reader;
  }

  /** Runs at once when this process begins to leave: for calls that wait rather than work. */
  onLeave(leave: () => void): void {
    this.leavers.push(leave);
  }

  /** Tells everybody to come back elsewhere; resolves when all are gone, within 3 s. */
  async leave(): Promise<void> {
    this.leaving = true;
    for (const leave of this.leavers) leave();
    const readers = [...this.open.keys()];
    const gone = Promise.all(readers.map((reader) => new Promise<void>((resolve) => reader.onOver(resolve))));
    for (const reader of readers) reader.end(leaving());
    await gone;
  }

  private look(): void {
    this.looks++;
    const now = performance.now();
    const beat = (this.looks * LOOK_MS) % BEAT_MS === 0;
    for (const reader of this.open.keys()) reader.look(now, beat);
    if ((this.looks * LOOK_MS) % CHECK_MS === 0) void this.check();
  }

  /** Ends streams whose key was withdrawn, whose token ended or whose scope was taken away. */
  private async check(): Promise<void> {
    const verdicts = new Map<string, Promise<Failure | undefined>>();
    for (const [reader, permit] of this.open) {
      const known = `${permit.scope} ${permit.authorization}`;
      if (!verdicts.has(known)) verdicts.set(known, this.verdict(permit));
      const failure = await verdicts.get(known);
      if (failure) reader.end(failure);
    }
  }

  private async verdict({ authorization, scope }: Permit): Promise<Failure | undefined> {
    try {
      this.access.demand(await this.access.principal(authorization), scope);
    } catch (error) {
      // Whoever judges may be out of reach for a while: that ends nobody's stream.
      if (error instanceof Failure && ['unauthenticated', 'forbidden'].includes(error.kind)) return error;
    }
    return undefined;
  }
}

const leaving = (): Failure =>
  unavailable('shutting-down', 'This process is closing. Come back with the last cursor.', 1);
