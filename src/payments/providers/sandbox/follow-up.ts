import type { Pool, PoolClient } from 'pg';
import { queryOf, sql } from '../../../database/statement.js';
import { judge, type Authorisation, type Wish } from './authorisation.js';
import { faulty } from './faults.js';
import { BOOKING_COLUMNS, bookingOf, type Booking, type BookingRow, type Reaction } from './ledger.js';

/** A capture, void or refund of the authorisation `reference`. */
export type FollowUp = { key: string; reference: string } & Wish;

/** A granted authorisation as it stands in the ledger, with the key of its row. */
type Granted = Authorisation & { key: string; reference: string; orderId: string; currency: string };

type Row = BookingRow & { captured: string | null; refunded: string | null; voided: boolean | null };

// The authorisations concerned, locked in key order and as the last holder of the lock left them, and what these keys
// have booked already. A refused authorisation has no reference, so whatever is found by one is granted.
const LOCK = sql(
  'sandbox.lock',
  `SELECT ${BOOKING_COLUMNS}, captured, refunded, voided FROM sandbox.ledger
    WHERE (kind = 'authorise' AND reference = ANY($1::text[])) OR key = ANY($2::text[]) ORDER BY key FOR UPDATE`,
);

const BOOK = sql(
  'sandbox.follow-up',
  `WITH changed AS (
     UPDATE sandbox.ledger l SET captured = u.c, refunded = u.r, voided = u.v
       FROM unnest($9::text[], $10::bigint[], $11::bigint[], $12::boolean[]) AS u(k, c, r, v) WHERE l.key = u.k)
   INSERT INTO sandbox.ledger (key, kind, order_id, reference, method, amount, currency, outcome, reason)
   SELECT k, d, o, r, m, a, c, CASE WHEN e IS NULL THEN 'ok' ELSE 'refused' END, e
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
       AS u(k, d, o, r, m, a, c, e)
    ORDER BY k`,
);

/**
 * Books a set of captures, voids and refunds in one transaction: lock, judge in memory one after the other, write.
 * Where another sandbox booked one of the keys between our read and our write, the insert fails and with it the set:
 * nothing is booked, and every caller asks again.
 */
export async function followUp(ledger: Pool, set: FollowUp[]): Promise<Reaction[]> {
  const client = await ledger.connect();
  const lost = () => undefined; // its query is rejected too; without a listener Node would end the process
  client.on('error', lost);
  try {
    const reactions = await react(client, set);
    client.off('error', lost).release();
    return reactions;
  } catch (error) {
    client.release(true); // closing the connection is the rollback
    throw error;
  }
}

/** The transaction, in two round trips: BEGIN goes with the lock, COMMIT with the bookings. */
async function react(client: PoolClient, set: FollowUp[]): Promise<Reaction[]> {
  const [, { booked, granted }] = await Promise.all([client.query('BEGIN'), lock(client, set)]);
  const open = set.filter(({ key }) => !booked.has(key));
  const faults = await faulty(
    client,
    open.map(({ key, reference }) => ({ key, method: granted.get(reference)?.method ?? '' })),
  );
  const made: Booking[] = [];
  const changed = new Map<string, Granted>();
  const reactions = set.map((call): Reaction => {
    const known = booked.get(call.key);
    if (known) return isOf(known, call) ? { booking: known, fresh: false } : 'key-reused';
    if (faults.has(call.key)) return 'fault';
    const before = granted.get(call.reference);
    const verdict = before ? judge(before, call) : ({ refusal: 'not-found' } as const);
    if ('becomes' in verdict) {
      granted.set(call.reference, verdict.becomes);
      changed.set(call.reference, verdict.becomes);
    }
    const booking = bookingFor(call, before, 'refusal' in verdict ? verdict.refusal : null);
    made.push(booking);
    return { booking, fresh: true };
  });
  // After a statement that failed COMMIT is a ROLLBACK.
  await Promise.all([write(client, made, [...changed.values()]), client.query('COMMIT')]);
  return reactions;
}

async function lock(client: PoolClient, set: FollowUp[]) {
  const values = [[...new Set(set.map(({ reference }) => reference))], set.map(({ key }) => key)];
  const { rows } = await client.query<Row>(queryOf(LOCK, values));
  const booked = new Map<string, Booking>();
  const granted = new Map<string, Granted>();
  for (const { captured, refunded, voided, ...row } of rows) {
    const booking = bookingOf(row);
    booked.set(booking.key, booking);
    if (booking.kind !== 'authorise' || booking.outcome !== 'ok') continue;
    const state = {
      captured: captured === null ? null : Number(captured),
      refunded: Number(refunded),
      voided: !!voided,
    };
    granted.set(booking.reference!, { ...(booking as Granted & Booking), ...state });
  }
  return { booked, granted };
}

function bookingFor(call: FollowUp, about: Granted | undefined, reason: Booking['reason']): Booking {
  const { key, kind, reference } = call;
  const amount = call.kind === 'void' ? (about?.amount ?? 0) : call.amount;
  const { orderId = null, method = null, currency = null } = about ?? {};
  return { key, kind, orderId, reference, method, amount, currency, outcome: reason ? 'refused' : 'ok', reason };
}

async function write(client: PoolClient, made: Booking[], changed: Granted[]): Promise<void> {
  if (made.length === 0) return;
  const columns = ['key', 'kind', 'orderId', 'reference', 'method', 'amount', 'currency', 'reason'] as const;
  const state = ['key', 'captured', 'refunded', 'voided'] as const;
  const values = [...columns.map((c) => made.map((b) => b[c])), ...state.map((c) => changed.map((a) => a[c]))];
  await client.query(queryOf(BOOK, values));
}

const isOf = (booking: Booking, call: FollowUp): boolean =>
  booking.kind === call.kind &&
  booking.reference === call.reference &&
  (call.kind === 'void' || booking.amount === call.amount);
