import { sql } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import type { Stranger } from './strangers.js';
import { NO_LANE } from '../tables.js';

/** What is kept of one principal's refused messages in one module: enough to see what is wrong, too little to hurt. */
const MESSAGES = 10_000;
const BYTES = 256 * 1024 * 1024;
/** The code of the row that counts: there is no message in it, so it can only be discarded. */
export const TALLY = 'too-many-refused';

/** Bounds what whoever may publish can make us store; beyond it refused messages are counted and no longer kept. */
export class Allowance {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly messages = MESSAGES,
    private readonly bytes = BYTES,
  ) {
    this.text = statements(schema);
  }

  /** Answers which of these may be kept; the rest is added to its principal's tally. */
  async within(tx: Tx, strangers: Stranger[]): Promise<Stranger[]> {
    const principals = [...new Set(strangers.map((s) => s.principal))];
    const found = await tx.rows<{ principal: string; messages: number; bytes: number }>(this.text.kept, [
      principals,
      this.messages,
    ]);
    const left = new Map(
      found.map((f) => [f.principal, f.bytes >= this.bytes ? 0 : Math.max(0, this.messages - f.messages)]),
    );
    const kept: Stranger[] = [];
    const beyond = new Map<string, Stranger[]>();
    for (const stranger of strangers) {
      const free = left.get(stranger.principal) ?? 0;
      if (free > 0) kept.push(stranger);
      else beyond.set(stranger.principal, [...(beyond.get(stranger.principal) ?? []), stranger]);
      left.set(stranger.principal, free - 1);
    }
    for (const [principal, many] of [...beyond].sort(([a], [b]) => (a < b ? -1 : 1)))
      await this.tally(tx, principal, many);
    return kept;
  }

  /** One row for each principal: how many were refused beyond what is kept, and what the last one was. */
  private async tally(tx: Tx, principal: string, strangers: Stranger[]): Promise<void> {
    const last = strangers.at(-1)!;
    const reason = `Refused and not kept, because ${this.messages} of this principal are. The last: ${last.type}, ${last.code}.`;
    await tx.rows(this.text.lock, [principal]);
    if ((await tx.run(this.text.add, [principal, strangers.length, reason])) === 0)
      await tx.run(this.text.begin, [principal, strangers.length, reason, last.id, last.type]);
  }
}

const statements = (schema: string) => {
  const inbox = `${schema}.inbox`;
  const named = (name: string, text: string) => sql(`${schema}.allowance.${name}`, text);
  const its = `lane = ${NO_LANE} AND state = 'parked' AND principal =`;
  return {
    kept: named(
      'kept',
      `SELECT p AS principal, k.messages, k.bytes FROM unnest($1::text[]) p CROSS JOIN LATERAL (
         SELECT count(*)::int AS messages, coalesce(sum(octet_length(raw)), 0)::float8 AS bytes
           FROM (SELECT raw FROM ${inbox} WHERE ${its} p AND code <> '${TALLY}' LIMIT $2) x) k`,
    ),
    lock: named('lock', `SELECT pg_advisory_xact_lock(hashtext('${inbox}.tally'), hashtext($1))`),
    add: named(
      'add',
      `UPDATE ${inbox} SET attempts = attempts + $2, reason = $3, at = now() WHERE ${its} $1 AND code = '${TALLY}'`,
    ),
    begin: named(
      'begin',
      `INSERT INTO ${inbox} (lane, principal, attempts, reason, message_id, type, state, code, headers)
       VALUES (${NO_LANE}, $1, $2, $3, $4, $5, 'parked', '${TALLY}', '{}')`,
    ),
  };
};
