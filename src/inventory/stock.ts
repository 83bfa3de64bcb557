import type { Failure } from '../failure.js';
import { storyBug } from './inventory.failures.js';

/** Where the goods of one order stand. */
export type HoldState = 'HELD' | 'REFUSED' | 'SOLD' | 'GONE';

/** `none` = nothing was ever asked for this order. */
export type Standing = 'none' | HoldState;

/** What inventory is told about one order. */
export type Instruction = 'reserve' | 'sell' | 'undo';

/** Pieces only ever go from one of three places to another, so their sum stays what was received. */
export type Movement = 'take' | 'hand-over' | 'put-back' | 'take-back';

export type Answer = 'reserved' | 'refused' | 'sold' | 'released' | 'undone';

/** What one instruction changes: nothing given, nothing changed. */
export interface Step {
  state?: HoldState;
  moves?: Movement;
  answers: Answer[];
  /** The instruction itself is refused; everything stays as it is. */
  refused?: Failure;
}

/** `enough` = every line of the order could be had at this moment. */
type Cell = (enough: boolean) => Step;

const bug: Cell = () => ({ answers: [], refused: storyBug() });
const again =
  (answer: Answer): Cell =>
  () => ({ answers: [answer] });

const allot: Cell = (enough) =>
  enough ? { state: 'HELD', moves: 'take', answers: ['reserved'] } : { state: 'REFUSED', answers: ['refused'] };
const handOver: Cell = () => ({ state: 'SOLD', moves: 'hand-over', answers: ['sold'] });
const putBack: Cell = () => ({ state: 'GONE', moves: 'put-back', answers: ['released', 'undone'] });
const takeBack: Cell = () => ({ state: 'GONE', moves: 'take-back', answers: ['released', 'undone'] });
/** A reserve that comes later than its undo finds this and is refused. */
const tombstone: Cell = () => ({ state: 'GONE', answers: ['undone'] });

/** docs/story.md, "Stock", cell by cell. */
export const stock: Record<Standing, Record<Instruction, Cell>> = {
  none: { reserve: allot, sell: bug, undo: tombstone },
  HELD: { reserve: again('reserved'), sell: handOver, undo: putBack },
  REFUSED: { reserve: again('refused'), sell: bug, undo: again('undone') },
  SOLD: { reserve: again('reserved'), sell: again('sold'), undo: takeBack },
  GONE: { reserve: again('refused'), sell: bug, undo: again('undone') },
};
