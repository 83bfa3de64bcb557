import type { Order, OrderState } from './index.js';
import { type Ending, type Happening, type Instruction, type Step, story, type TimelineType } from './story.js';
import type { Failure } from '../failure.js';

/** One line of the order's timeline; `sequence` is 1…n without a gap. */
export interface TimelineEntry {
  orderId: string;
  sequence: number;
  type: TimelineType;
  detail: Record<string, unknown>;
  /** The `traceparent` of what moved the order. */
  trace?: string;
}

/** What came of telling an order that something happened. */
export interface Told {
  entries: TimelineEntry[];
  send: Instruction[];
  changed: boolean;
  alarm?: string;
  refused?: Failure;
}

/** The entries of several orders, each within the trace of what moved its order. */
export const entriesOf = (told: (Pick<Told, 'entries'> & { trace?: string })[]): TimelineEntry[] =>
  told.flatMap(({ entries, trace }) => entries.map((entry) => ({ ...entry, trace })));

/** What is stored of an order beyond what the world sees. */
export interface Hidden {
  ending?: Ending;
  paymentUndone: boolean;
  stockUndone: boolean;
  windowOver: boolean;
}

/** The order: what the world sees of it, and how the story moves it. Pure. */
export class PlacedOrder {
  constructor(
    readonly view: Order,
    readonly hidden: Hidden = { paymentUndone: false, stockUndone: false, windowOver: false },
  ) {}

  get state(): OrderState {
    return this.view.state;
  }

  /** Applies the cell of docs/story.md for this happening. */
  tell(happening: Happening, reason: string): Told {
    const step = story[this.state][happening]({ state: this.state, ...this.hidden }, reason);
    const entries = (step.entries ?? []).map((type) => this.entry(type, step));
    if (step.state) this.view.state = step.state;
    if (step.reason) this.view.reason = step.reason;
    if (step.ending) this.hidden.ending = step.ending;
    if (step.paymentUndone !== undefined) this.hidden.paymentUndone = step.paymentUndone;
    if (step.stockUndone !== undefined) this.hidden.stockUndone = step.stockUndone;
    return { entries, send: step.send ?? [], changed: entries.length > 0, alarm: step.alarm, refused: step.refused };
  }

  /** The first entry of every timeline. */
  placed(): TimelineEntry {
    return { orderId: this.view.id, sequence: 1, type: 'order-placed', detail: { total: this.view.total } };
  }

  private entry(type: TimelineType, step: Step): TimelineEntry {
    const reason = step.reason ?? this.view.reason;
    const ending = ['order-closing', 'order-rejected', 'order-cancelled'].includes(type);
    this.view.version += 1;
    return { orderId: this.view.id, sequence: this.view.version, type, detail: ending && reason ? { reason } : {} };
  }
}
