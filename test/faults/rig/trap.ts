/** `up` goes from the product to what it needs, `down` comes back. */
export type Direction = 'up' | 'down';

/** What a trap waits for on one connection, and what it does then. Patterns are bytes, written as latin1 text. */
export interface Rule {
  direction: Direction;
  /** What springs it. */
  match: string;
  /** Only when this has gone up on the same connection before … */
  after?: string;
  /** … and since then not this: where a transaction or a request begins. */
  since?: string;
  /** Springs so many times, then no more; unset = for ever. */
  times?: number;
  /** Only one in so many matches, drawn by this. */
  chance?: () => boolean;
  /** `hold` keeps the piece and all after it; `answer` says this to the client and forwards nothing. */
  action: 'hold' | 'cut' | 'count' | { replace: string } | { answer: string };
}

/** A rule that is laid; it counts how often it sprang. */
export class Trap {
  count = 0;
  private said!: () => void;
  /** Resolves when it springs for the first time. */
  readonly sprung = new Promise<void>((resolve) => (this.said = resolve));
  private readonly holding: (() => void)[] = [];

  constructor(
    readonly rule: Rule,
    private readonly taken: () => void,
  ) {}

  get spent(): boolean {
    return this.rule.times !== undefined && this.count >= this.rule.times;
  }

  spring(release: () => void): void {
    this.count++;
    if (this.rule.action === 'hold') this.holding.push(release);
    this.said();
  }

  /** Lets what it holds go on its way. */
  release(): void {
    for (const release of this.holding.splice(0)) release();
  }

  /** Takes it away; what it holds stays held until released or cut. */
  remove(): void {
    this.taken();
  }
}

/** As long as the longest pattern: one that is split over two pieces is seen, too. */
const TAIL = 80;

/** What went by on one connection, as far as traps care. */
export class Watch {
  private readonly tails: Record<Direction, string> = { up: '', down: '' };
  private readonly armed = new WeakMap<Trap, boolean>();

  /** The trap that this piece springs, if any. */
  sees(direction: Direction, chunk: Buffer, traps: Trap[]): Trap | undefined {
    if (traps.length === 0) return undefined;
    const tail = this.tails[direction];
    const text = tail + chunk.toString('latin1');
    this.tails[direction] = text.slice(-TAIL);
    if (direction === 'up') for (const trap of traps) this.arm(trap, text);
    return traps.find((trap) => trap.rule.direction === direction && !trap.spent && this.springs(trap, text, tail));
  }

  private arm(trap: Trap, text: string): void {
    const { after, since } = trap.rule;
    if (after === undefined) return;
    const begun = since === undefined ? -1 : text.lastIndexOf(since);
    const passed = text.lastIndexOf(after);
    if (passed >= 0 && passed >= begun) this.armed.set(trap, true);
    else if (begun >= 0) this.armed.set(trap, false);
  }

  private springs(trap: Trap, text: string, tail: string): boolean {
    const { rule } = trap;
    if (rule.after !== undefined && !this.armed.get(trap)) return false;
    const at = text.lastIndexOf(rule.match);
    // Wholly in the tail = seen with the piece before.
    return at >= 0 && at + rule.match.length > tail.length && (rule.chance?.() ?? true);
  }
}
