import { Logger } from '@nestjs/common';
import type { Database } from '../../database/database.js';
import { sql, type Statement } from '../../database/statement.js';
import { untiringTypes } from '../contract.js';
import type { Progress } from '../loop.js';

const LOOK_EVERY_MS = 10_000;
/** What must succeed in the end and did not for this long, somebody has to look at. */
const ALARM_AFTER = `interval '5 minutes'`;
const COUNTED_AT_MOST = 1_000;

/** The alarm of one module: calls to the outside, and messages that are tried for ever, without success for five minutes. */
export class Overdue {
  private readonly logger = new Logger('Overdue');
  private readonly count: Statement;
  private looked = -Infinity;
  /** How many there are, counted every 10 s and up to 1,000. */
  found = 0;

  constructor(
    private readonly schema: string,
    private readonly database: Database,
  ) {
    this.count = sql(
      `${schema}.overdue.count`,
      `SELECT count(*)::int AS found FROM (
         SELECT 1 FROM ${schema}.effects WHERE first_at < now() - ${ALARM_AFTER}
         UNION ALL
         SELECT 1 FROM ${schema}.inbox WHERE state = 'retry' AND at < now() - ${ALARM_AFTER} AND type = ANY($1::text[])
         LIMIT ${COUNTED_AT_MOST}) x`,
    );
  }

  async step(): Promise<Progress> {
    if (performance.now() - this.looked < LOOK_EVERY_MS) return 'idle';
    this.looked = performance.now();
    const [{ found } = { found: 0 }] = await this.database.rows<{ found: number }>(this.count, [untiringTypes()]);
    if (found > 0 && this.found === 0)
      this.logger.error(`${this.schema}: ${found} calls or messages are tried in vain for five minutes and more`);
    if (found === 0 && this.found > 0) this.logger.log(`${this.schema}: nothing is overdue any more`);
    this.found = found;
    return 'idle';
  }
}
