import type { StockLine } from './index.js';
import { type Instruction, type Movement, type Standing, type Step, stock } from './stock.js';

/** The pieces of one item, by where they are. */
export interface Pieces {
  sku: string;
  available: number;
  reserved: number;
  sold: number;
}

/** What one order's goods are told, and how they stand. */
export interface Asking {
  orderId: string;
  instruction: Instruction;
  standing: Standing;
  /** What is asked for or, once something is held, what is held. */
  lines: StockLine[];
}

type Place = Exclude<keyof Pieces, 'sku'>;

const ROUTES: Record<Movement, [from: Place, to: Place]> = {
  take: ['available', 'reserved'],
  'hand-over': ['reserved', 'sold'],
  'put-back': ['reserved', 'available'],
  'take-back': ['sold', 'available'],
};

/** The locked items while a set of orders is decided, one after the other: first come, first served. */
export class Allotment {
  private readonly before: ReadonlyMap<string, Pieces>;
  private readonly now: ReadonlyMap<string, Pieces>;

  constructor(items: Pieces[]) {
    this.before = new Map(items.map((item) => [item.sku, item]));
    this.now = new Map(items.map((item) => [item.sku, { ...item }]));
  }

  /** Applies one cell of the table; an order gets all of its lines or none. */
  decide({ standing, instruction, lines }: Asking): Step {
    const step = stock[standing][instruction](this.has(lines));
    if (step.moves) this.move(lines, ...ROUTES[step.moves]);
    return step;
  }

  /** What the whole set changed, one sum for each SKU; those that came out even are left out. */
  sums(): Pieces[] {
    return [...this.now.values()]
      .map((item) => difference(item, this.before.get(item.sku)!))
      .filter((sum) => sum.available !== 0 || sum.reserved !== 0 || sum.sold !== 0);
  }

  /** An unknown SKU has nothing. A SKU that stands in two lines counts with both. */
  private has(lines: StockLine[]): boolean {
    const wanted = new Map<string, number>();
    for (const { sku, quantity } of lines) wanted.set(sku, (wanted.get(sku) ?? 0) + quantity);
    return [...wanted].every(([sku, quantity]) => (this.now.get(sku)?.available ?? 0) >= quantity);
  }

  private move(lines: StockLine[], from: Place, to: Place): void {
    for (const { sku, quantity } of lines) {
      const item = this.now.get(sku);
      if (!item) throw new Error(`${sku} is held but was not locked`);
      item[from] -= quantity;
      item[to] += quantity;
    }
  }
}

const difference = (now: Pieces, before: Pieces): Pieces => ({
  sku: now.sku,
  available: now.available - before.available,
  reserved: now.reserved - before.reserved,
  sold: now.sold - before.sold,
});
