import type { Database } from '../database/database.js';
import { sql } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import { Allowance } from './allowance.js';
import { type Cut, cut } from './cut.js';
import { NO_LANE } from './tables.js';

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
  attempts: number;
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
    const strangers = whole.map((s) => ({ ...s, ...cut(s.content), ...(s.cut && { cut: s.cut }) }));
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

  /** Stores a command that cannot run now, to be tried after `seconds`. */
  async wait(tx: Tx, stranger: Stranger, seconds: number, attempts: number): Promise<void> {
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

  /** Claims waiting commands that are due, leased to this process for a minute. */
  async claim(database: Database, limit: number): Promise<WaitingCommand[]> {
    return database.transaction((tx) =>
      tx.rows<WaitingCommand & Record<string, unknown>>(this.text.claim, [limit, LEASE_SECONDS]),
    );
  }

  /** Takes a waiting command out, in the transaction that handled it; false = somebody else already did. */
  async settle(tx: Tx, seqs: string[]): Promise<number> {
    return tx.run(this.text.settle, [seqs]);
  }

  /** Puts a command that failed again back, or aside. */
  async again(
    tx: Tx,
    seq: string,
    verdict: { state: string; after: number; code: string; reason: string; counts: boolean },
  ): Promise<void> {
    await tx.run(this.text.again, [
      seq,
      verdict.state,
      verdict.after,
      verdict.code,
      verdict.reason,
      verdict.counts ? 1 : 0,
    ]);
  }
}

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
  return {
    keep: named(
      'keep',
      `INSERT INTO ${inbox} (lane, type, message_id, state, code, reason, principal, headers, raw)
       SELECT ${NO_LANE}, t, i, $3, c, r, p, h, b
         FROM unnest($1::text[], $2::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[]) u(t, i, c, r, p, h, b)`,
    ),
    wait: named(
      'wait',
      `INSERT INTO ${inbox} (lane, type, message_id, state, due, attempts, code, reason, principal, headers, body, errors)
       VALUES (${NO_LANE}, $1, $2, 'retry', now() + make_interval(secs => $3::float8), $4, $5, $6::text, $7, $8, $9,
               jsonb_build_array(jsonb_build_object('at', now(), 'error', $6::text)))`,
    ),
    claim: named(
      'claim',
      `UPDATE ${inbox} SET due = now() + make_interval(secs => $2::float8)
        WHERE lane = ${NO_LANE} AND seq = ANY(ARRAY(SELECT seq FROM ${inbox} WHERE lane = ${NO_LANE} AND state = 'retry' AND due <= now()
                                        ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED))
       RETURNING seq::text, message_id AS id, type, attempts, principal, headers, body`,
    ),
    settle: named('settle', `DELETE FROM ${inbox} WHERE lane = ${NO_LANE} AND seq = ANY($1::bigint[])`),
    again: named(
      'again',
      `UPDATE ${inbox} SET state = $2, due = CASE WHEN $2 = 'retry' THEN now() + make_interval(secs => $3::float8) END, code = $4,
              reason = $5::text, attempts = attempts + $6,
              errors = errors || jsonb_build_array(jsonb_build_object('at', now(), 'error', $5::text))
        WHERE lane = ${NO_LANE} AND seq = $1`,
    ),
  };
};
