import { Failure } from '../../failure.js';
import { asFailure } from '../failures.js';
import type { Channel } from './channel.js';
import type { Frame } from './frame.js';

/** What one reader may cost in unsent bytes, and for how long (docs/contract.md). */
export const UNSENT_AT_MOST = 1024 * 1024;
export const UNSENT_MS = 30_000;
/** Given to the socket at once; the rest waits here, where frames are shared between readers. */
const WINDOW = 64 * 1024;
const ROOM = 256 * 1024;
/** How long what was already written may take to leave before a reader is cut off. */
const GRACE_MS = 1_000;

interface Unsent {
  bytes: Buffer;
  since: number;
}

/** Whoever is told things as they happen, over any channel. It costs what stands here, and no more. */
export class Reader {
  /** In the order of writing; the first `flying` of them are with the channel. */
  private unsent: Unsent[] = [];
  private flying = 0;
  private flyingBytes = 0;
  private size = 0;
  private ending?: { why?: Failure };
  private over = false;
  private readonly afterwards: (() => void)[] = [];
  private roomy: (() => void)[] = [];

  constructor(private readonly channel: Channel) {
    channel.onGone(() => {
      if (!this.over) this.finish();
    });
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Says something. A reader with more than 1 MiB unsent is closed: it can come back with its cursor. */
  write(frame: Frame): void {
    if (this.over || this.ending) return;
    const bytes = this.encoded(frame);
    if (!bytes) return;
    this.unsent.push({ bytes, since: performance.now() });
    this.size += bytes.length;
    if (this.size > UNSENT_AT_MOST) this.cut(tooSlow());
    else this.pump();
  }

  /** Resolves when there is room for more than a few frames, or nobody to write to. */
  room(): Promise<void> {
    if (this.over || this.size < ROOM) return Promise.resolve();
    return new Promise((resolve) => this.roomy.push(resolve));
  }

  /** Ends when everything was sent. */
  end(why?: Failure): void {
    if (this.over || this.ending) return;
    this.ending = { why };
    if (this.unsent.length === 0) return this.cut(why);
    setTimeout(() => this.cut(why), GRACE_MS).unref();
  }

  /** Ends now. */
  cut(why?: Failure): void {
    if (this.over) return;
    this.over = true;
    this.channel.end(why);
    this.finish();
    // A peer that does not read does not read the end either.
    setTimeout(() => this.channel.destroy(), GRACE_MS).unref();
  }

  /** For the round of those who look after all readers: closes who does not read, else says that we are there. */
  look(now: number, beat: boolean): void {
    const [oldest] = this.unsent;
    if (oldest && now - oldest.since >= UNSENT_MS) this.cut(tooSlow());
    else if (beat && !oldest && !this.over) this.channel.beat();
  }

  /** Runs once when it is over, for whatever reason. */
  onOver(then: () => void): void {
    if (this.over) then();
    else this.afterwards.push(then);
  }

  /** A frame that cannot be encoded is a bug, and must not stop whoever tells everybody. */
  private encoded(frame: Frame): Buffer | undefined {
    try {
      return this.channel.encode(frame);
    } catch (error) {
      this.cut(asFailure(error));
      return undefined;
    }
  }

  private pump(): void {
    while (this.flying < this.unsent.length && this.flyingBytes < WINDOW) {
      const { bytes } = this.unsent[this.flying++]!;
      this.flyingBytes += bytes.length;
      this.channel.send(bytes, () => this.sent());
    }
  }

  private sent(): void {
    const gone = this.unsent.shift();
    if (!gone) return;
    this.flying--;
    this.flyingBytes -= gone.bytes.length;
    this.size -= gone.bytes.length;
    this.pump();
    if (this.size < ROOM) for (const proceed of this.roomy.splice(0)) proceed();
    if (this.ending && this.unsent.length === 0) this.cut(this.ending.why);
  }

  private finish(): void {
    this.over = true;
    this.unsent = [];
    for (const then of this.afterwards.splice(0)) then();
    for (const proceed of this.roomy.splice(0)) proceed();
  }
}

const tooSlow = (): Failure =>
  new Failure('exhausted', 'reader-too-slow', 'Too much was not read for too long. Come back with the last cursor.');
