import type { Progress } from './loop.js';
import { GONE_MS, type Notices } from './notices.js';
import { LANES } from './tables.js';

/** What one process takes of the lanes of a module. */
export interface Share {
  /** The lanes that are its own. */
  own: number[];
  /** How many lanes it may have locked at once, own or not. */
  atMost: number;
}

/**
 * The processes that work for one module on one database, as they tell each other. It decides who does what, never
 * whether it is right: with a wrong answer work is shared badly for a few seconds.
 */
export class Peers {
  private readonly heard = new Map<string, number>();

  constructor(
    private readonly notices: Notices,
    private readonly topic: string,
  ) {
    notices.on(topic, (from) => {
      if (from) this.heard.set(from, performance.now());
    });
  }

  /** Says that we are here; called every second. */
  async step(): Promise<Progress> {
    this.notices.tell(this.topic);
    for (const [peer, at] of this.heard) if (at < performance.now() - GONE_MS) this.heard.delete(peer);
    return 'idle';
  }

  /** Whether nobody else is here: then nothing is shared. */
  get alone(): boolean {
    return this.heard.size === 0;
  }

  /** Every process of a module comes to the same sharing, because all sort the same names. */
  share(): Share {
    const all = [...this.heard.keys(), this.notices.own].sort();
    const place = all.indexOf(this.notices.own);
    const own = Array.from({ length: LANES }, (_, lane) => lane).filter((lane) => lane % all.length === place);
    return { own, atMost: Math.ceil(LANES / all.length) };
  }
}
