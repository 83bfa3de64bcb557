import type { Database } from '../../database/database.js';
import { sql, type Statement } from '../../database/statement.js';
import { NO_LANE } from '../tables.js';

/** So often the stored messages are counted while there are deliveries: 0.1 ms when there are none, 4 ms at the bound. */
const COUNT_EVERY_MS = 1_000;

/**
 * Whether a module has so much stored that its intake should rest. Counted is what can be worked on: parked messages and
 * what waits behind them stay until somebody repairs them, and must not stop everybody else.
 */
export class Pressure {
  private readonly count: Statement;
  private counted = -Infinity;
  private readonly high = { messages: false, commands: false };

  constructor(
    schema: string,
    private readonly database: Database,
    private readonly atMost: number,
  ) {
    const some = (which: string) =>
      `(SELECT count(*) FROM (SELECT 1 FROM ${schema}.inbox WHERE ${which} LIMIT $1) s)::int`;
    this.count = sql(
      `${schema}.pressure.count`,
      `SELECT ${some(`state = 'ready'`)} + ${some(`state = 'retry' AND lane <> ${NO_LANE}`)} AS messages,
              ${some(`state = 'retry' AND lane = ${NO_LANE}`)} AS commands`,
    );
  }

  /** Between modules: rests while the lanes have too much to do. */
  async ofMessages(): Promise<boolean> {
    await this.refresh();
    return this.high.messages;
  }

  /** The world's commands: rests then too, and while too many commands wait for a dependency. */
  async ofCommands(): Promise<boolean> {
    await this.refresh();
    return this.high.messages || this.high.commands;
  }

  private async refresh(): Promise<void> {
    if (performance.now() - this.counted < COUNT_EVERY_MS) return;
    this.counted = performance.now();
    try {
      const [found] = await this.database.rows<{ messages: number; commands: number }>(this.count, [this.atMost]);
      for (const kind of ['messages', 'commands'] as const) this.high[kind] = this.judge(this.high[kind], found![kind]);
    } catch {
      // The database is away: the take that follows finds out and waits, and says so.
    }
  }

  /** High at the bound, low again at three quarters of it, so that intake does not stutter. */
  private judge(high: boolean, stored: number): boolean {
    return stored >= (high ? this.atMost * 0.75 : this.atMost);
  }
}
