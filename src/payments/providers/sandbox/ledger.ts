import { Pool, type ClientBase } from 'pg';
import type { Refusal } from '../provider.js';

/** One row of the ledger: what was decided for one idempotency key. Amounts in minor units. */
export interface Booking {
  key: string;
  kind: 'authorise' | 'capture' | 'void' | 'refund';
  /** Null when the authorisation asked for is not there, like method and currency. */
  orderId: string | null;
  /** The authorisation this is about; null when it was refused. */
  reference: string | null;
  method: string | null;
  amount: number;
  currency: string | null;
  outcome: 'ok' | 'refused';
  reason: Refusal | null;
}

/** What a call came to: a booking (`fresh` = made by this very call), a fault to show, or a key of something else. */
export type Reaction = { booking: Booking; fresh: boolean } | 'fault' | 'key-reused';

/** A row as pg hands it over: bigint as text. */
export type BookingRow = Omit<Booking, 'amount'> & { amount: string };

/** The columns of a Booking in its own names. */
export const BOOKING_COLUMNS = 'key, kind, order_id AS "orderId", reference, method, amount, currency, outcome, reason';

/** Contract amounts end at 10^12, far below where a number loses integers. */
export const bookingOf = (row: BookingRow): Booking => ({ ...row, amount: Number(row.amount) });

// `captured`, `refunded` and `voided` are the running state of a granted authorisation and null in every other row.
// They are no part of an index, so a capture updates its row in place (HOT) while the page has the room fillfactor left.
const TABLES = `
  SELECT pg_advisory_xact_lock(hashtext('sanmon.sandbox'));
  CREATE SCHEMA IF NOT EXISTS sandbox;
  CREATE TABLE IF NOT EXISTS sandbox.ledger (
    key text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('authorise', 'capture', 'void', 'refund')),
    order_id text, reference text, method text, amount bigint NOT NULL, currency text,
    outcome text NOT NULL CHECK (outcome IN ('ok', 'refused')),
    reason text CHECK ((reason IS NULL) = (outcome = 'ok')),
    captured bigint CHECK (captured IS NULL OR (captured <= amount AND NOT voided)),
    refunded bigint CHECK (refunded <= coalesce(captured, 0)),
    voided boolean,
    at timestamptz NOT NULL DEFAULT now()
  );
  ALTER TABLE sandbox.ledger SET (fillfactor = 60);
  CREATE UNIQUE INDEX IF NOT EXISTS ledger_authorisation ON sandbox.ledger (reference) WHERE kind = 'authorise';
  CREATE INDEX IF NOT EXISTS ledger_order ON sandbox.ledger (order_id);
  CREATE TABLE IF NOT EXISTS sandbox.calls (key text PRIMARY KEY, n integer NOT NULL)`;

/** Connects to the ledger and creates it where it is not there yet. `warn` hears of lost idle connections. */
export async function openLedger(databaseUrl: string, warn: (trouble: string) => void): Promise<Pool> {
  const onConnect = prepare as (client: ClientBase) => void; // pg-pool awaits it, its types do not say so
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 8,
    connectionTimeoutMillis: 10_000,
    pipeline: true, // BEGIN and COMMIT wait for no answer of their own
    onConnect,
  });
  // At the end the server may go away before it has read our good-bye.
  pool.on('error', (error) => pool.ending || warn(`ledger: idle connection lost: ${error.message}`));
  try {
    await pool.query(TABLES); // several statements in one query are one transaction
    return pool;
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/**
 * An answered booking must outlive a crash whatever the server's default is. And every query goes by index: a plan
 * cached while the table was empty would otherwise scan it until the first autovacuum, a minute of load later.
 */
async function prepare(client: ClientBase): Promise<void> {
  await client.query('SET synchronous_commit = on; SET enable_seqscan = off');
}
