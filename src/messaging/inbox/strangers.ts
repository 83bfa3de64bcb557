import type { Database } from '../../database/database.js';
import { sql, type Statement } from '../../database/statement.js';
import type { Tx } from '../../database/transaction.js';
import { Allowance } from './allowance.js';
import type { Birth } from '../birth.js';
import { type Cut, cut } from '../cut.js';
import { Handled } from './handled.js';
import { NO_LANE } from '../tables.js';
import { firstError, oneMoreError, type Verdict } from './verdict.js';

/** A message from outside as it is kept: without a key, so it holds nothing back. */
export interface Stranger {
  id: string;
  type: string;
  principal: string;
  code: string;
  reason: string;
  content: Buffer;
  headers: object;
  /** What of a larger body `content` is the beginning of. */
  cut?: Cut;
}

/** One stored command that waits for something and is due again. */
export interface WaitingCommand {
  seq: string;
  id: string;
  type: string;
  /** Attempts that were made before. */
  attempts: number;
  /** The attempt that is to be made is counted already. */
  begun: boolean;
  principal: string;
  headers: string;
  body: string;
}

/** Of headers beyond this the beginning is kept, as text. */
const LARGEST_HEADERS = 16 * 1024;
const LEASE_SECONDS = 60;

/** What the world sent that was refused, or must wait: rows of the inbox that stand in no lane. */
export class Strangers {
  private readonly text: ReturnType<typeof statements>;

  constructor(
    schema: string,
    private readonly allowance = new Allowance(schema),
    private readonly handled = new Handled(),
  ) {
    this.text = statements(schema);
  }

  /** Parks what was refused at the gate, as much of it as its principal may make us keep. */
  async refuse(tx: Tx, strangers: Stranger[]): Promise<void> {
    if (strangers.length > 0) await this.keep(tx, 'parked', await this.allowance.within(tx, strangers));
  }

  /** Keeps messages in a final state: parked (an operator may repair it) or refused (it had its answer). */
  async keep(tx: Tx, state: 'parked' | 'refused', whole: Stranger[]): Promise<void> {
    if (whole.length === 0) return;
    if (state === 'parked') this.handled.fail(tx, state, whole.length);
    const all = whole.map((s) => ({ ...s, ...cut(s.content), ...(s.cut && { cut: s.cut }) }));
    for (const large of all.filter(isLarge)) await this.keepLarge(tx, state, large);
    const strangers = all.filter((s) => !isLarge(s));
    if (strangers.length === 0) return;
    await tx.run(this.text.keep, [
      strangers.map((s) => s.type),
      strangers.map((s) => s.id),
      state,
      strangers.map((s) => s.code),
      strangers.map((s) => s.reason),
      strangers.map((s) => s.principal),
      strangers.map(keptHeaders),
      strangers.map((s) => s.content),
    ]);
  }

  /** Alone, a body travels as it is; in a list of bodies it is text of twice the size, several times over. */
  private async keepLarge(tx: Tx, state: 'parked' | 'refused', one: Stranger): Promise<void> {
    const { type, id, code, reason, principal, content } = one;
    await tx.run(this.text.keepLarge, [type, id, state, code, reason, principal, keptHeaders(one), content]);
  }

  /** Stores a command that cannot run now, to be tried after `seconds`. */
  async wait(tx: Tx, stranger: Stranger, seconds: number, attempts: number): Promise<void> {
    this.handled.fail(tx, 'retry');
    await tx.run(this.text.wait, [
      stranger.type,
      stranger.id,
      seconds,
      attempts,
      stranger.code,
      stranger.reason,
      stranger.principal,
      headersText(stranger.headers),
      stranger.content.toString('utf8'),
    ]);
  }

  /**
   * Claims waiting commands that are due, leased to this process for a minute. One that is older than this process may
   * have ended the one before: it comes alone, the least tried first, and its attempt is counted.
   */
  async claim(database: Database, limit: number, birth: Birth): Promise<WaitingCommand[]> {
    const began = await birth.since();
    return database.transaction(async (tx) => {
      const claim = (text: Statement, most: number) =>
        tx.rows<WaitingCommand & Record<string, unknown>>(text, [most, LEASE_SECONDS, began]);
      const inherited = await claim(this.text.claimInherited, 1);
      return inherited.length > 0 ? inherited : claim(this.text.claim, limit);
    });
  }

  /** Takes a waiting command out, in the transaction that handled it; false = somebody else already did. */
  async settle(tx: Tx, seqs: string[]): Promise<number> {
    return tx.run(this.text.settle, [seqs]);
  }

  /** Puts a command that failed again back, or aside. */
  async again(tx: Tx, { seq, begun }: Pick<WaitingCommand, 'seq' | 'begun'>, verdict: Verdict): Promise<void> {
    this.handled.fail(tx, verdict.state);
    await tx.run(this.text.again, [
      seq,
      verdict.state,
      verdict.after,
      verdict.code,
      verdict.reason,
      Number(verdict.counts) - Number(begun),
    ]);
  }
}

const isLarge = ({ content }: Stranger): boolean => content.length > 16 * 1024;

/** jsonb-safe text: a header may hold anything a publisher could write, NUL and lone surrogates included. */
const headersText = (headers: object): string => JSON.stringify(headers).replaceAll('\\u0000', '\\ufffd');

function keptHeaders({ headers, cut }: Stranger): string {
  const note = cut && { 'sanmon-length': cut.length, 'sanmon-sha256': cut.sha256 };
  const text = headersText({ ...headers, ...note });
  if (text.length <= LARGEST_HEADERS) return text;
  return headersText({
    ...note,
    'sanmon-headers-length': text.length,
    'sanmon-headers': text.slice(0, LARGEST_HEADERS),
  });
}

const statements = (schema: string) => {
  const inbox = `${schema}.inbox`;
  const named = (name: string, text: string) => sql(`${schema}.strangers.${name}`, text);
  const leased = 'now() + make_interval(secs => $2::float8)';
  const due = `SELECT seq FROM ${inbox} WHERE lane = ${NO_LANE} AND state = 'retry' AND due <= now()`;
  const columns = 'seq::text, message_id AS id, type, principal, headers, body';
  return {
    keep: named(
      'keep',
      `INSERT INTO ${inbox} (lane, type, message_id, state, code, reason, principal, headers, raw)
       SELECT ${NO_LANE}, t, i, $3, c, r, p, h, b
         FROM unnest($1::text[], $2::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[]) u(t, i, c, r, p, h, b)`,
    ),
    keepLarge: named(
      'keep-large',
      `INSERT INTO ${inbox} (lane, type, message_id, state, code, reason, principal, headers, raw)
       VALUES (${NO_LANE}, $1, $2, $3, $4, $5, $6, $7, $8)`,
    ),
    wait: named(
      'wait',
      `INSERT INTO ${inbox} (lane, type, message_id, state, due, attempts, code, reason, principal, headers, body, errors)
       VALUES (${NO_LANE}, $1, $2, 'retry', now() + make_interval(secs => $3::float8), $4, $5, $6::text, $7, $8, $9,
               ${firstError('$6::text')})`,
    ),
    claim: named(
      'claim',
      `UPDATE ${inbox} SET due = ${leased}
        WHERE lane = ${NO_LANE} AND seq = ANY(ARRAY(${due} AND at >= $3::timestamptz ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED))
       RETURNING ${columns}, false AS begun, attempts`,
    ),
    claimInherited: named(
      'claim-inherited',
      `UPDATE ${inbox} SET due = ${leased}, attempts = attempts + 1
        WHERE lane = ${NO_LANE} AND seq = ANY(ARRAY(${due} AND at < $3::timestamptz ORDER BY attempts, due LIMIT $1 FOR UPDATE SKIP LOCKED))
       RETURNING ${columns}, true AS begun, attempts - 1 AS attempts`,
    ),
    settle: named('settle', `DELETE FROM ${inbox} WHERE lane = ${NO_LANE} AND seq = ANY($1::bigint[])`),
    again: named(
      'again',
      `UPDATE ${inbox} SET state = $2, due = CASE WHEN $2 = 'retry' THEN now() + make_interval(secs => $3::float8) END, code = $4,
              reason = $5::text, attempts = attempts + $6,
              errors = ${oneMoreError('$5::text')}
        WHERE lane = ${NO_LANE} AND seq = $1`,
    ),
  };
};
