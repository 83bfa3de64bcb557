import type { Database } from '../../database/database.js';
import { sql } from '../../database/statement.js';

/** Fewer dead rows than this cost a pass nothing that can be measured. */
const WORTH = 1_000;
const EVERY_MS = 1_000;
const WHOLE_MS = 60_000;

interface Look {
  /** The last number given out, and the transaction that would have begun next. */
  last: number;
  next: string;
  /** Whether every transaction before `before` has ended, and the lowest row up to `upto`. */
  settled: boolean;
  lowest: number | null;
}

/**
 * The number up to which an outbox is empty and will stay so. While somebody holds an old snapshot (a back-up reads for
 * hours) PostgreSQL keeps every deleted row, and a pass that began at the first would read them all, more at each pass.
 *
 * The highest number carried says nothing: numbers are given out before their rows are committed. But a number that one look finds given
 * out belongs to a transaction that is in the snapshot of the next one at the latest; when all of those have ended, its row is
 * there to be seen or never will be. A reader has no transaction number, so the old snapshot itself holds nothing up.
 */
export class Floor {
  private floor = 0;
  private carried = 0;
  private nextLook = 0;
  private wholeAt = performance.now() + WHOLE_MS;
  private given?: number;
  private waiting?: { upto: number; before: string };
  private readonly look: ReturnType<typeof lookAt>;

  constructor(
    schema: string,
    private readonly database: Database,
  ) {
    this.look = lookAt(schema);
  }

  /** Above which number a pass reads. Once a minute above none: a floor that were wrong would delay a row and not lose it. */
  above(): number {
    if (performance.now() < this.wholeAt) return this.floor;
    this.wholeAt = performance.now() + WHOLE_MS;
    return 0;
  }

  /** What a pass carried. A row below the floor proves it wrong: another server answers now, or a back-up was restored. */
  saw(numbers: number[]): void {
    this.carried += numbers.length;
    if (numbers.some((number) => number <= this.floor)) this.forget();
  }

  /** Begins again at nothing: who answers next may be another server. */
  forget(): void {
    this.floor = 0;
    this.given = this.waiting = undefined;
  }

  /** Rises as far as is certain by now; asks once a second at most, and only after much was carried. */
  async rise(): Promise<void> {
    if (this.carried < WORTH || performance.now() < this.nextLook) return;
    this.nextLook = performance.now() + EVERY_MS;
    const { upto, before } = this.waiting ?? { upto: this.floor, before: '0' };
    const [found] = await this.database.rows<Look & Record<string, unknown>>(this.look, [this.floor, upto, before]);
    const { last, next, settled, lowest } = found!;
    if (last < this.floor) return this.forget();
    if (this.waiting && settled) {
      this.floor = lowest === null ? upto : lowest - 1;
      this.waiting = undefined;
      this.carried = 0;
    }
    if (this.given !== undefined) this.waiting ??= { upto: this.given, before: next };
    this.given = last;
  }
}

const lookAt = (schema: string) =>
  sql(
    `${schema}.outbox.floor`,
    `SELECT (SELECT last_value::float8 FROM ${schema}.outbox_seq_seq) AS last, pg_snapshot_xmax(s)::text AS next,
            pg_snapshot_xmin(s) >= $3::text::xid8 AS settled,
            (SELECT min(o.seq)::float8 FROM generate_series(0, 31) l
              CROSS JOIN LATERAL (SELECT seq FROM ${schema}.outbox
                                   WHERE lane = l AND seq > $1::bigint AND seq <= $2::bigint ORDER BY seq LIMIT 1) o) AS lowest
       FROM pg_current_snapshot() s`,
  );
