import type { Pool } from 'pg';
import { uuidv7 } from '../../../uuid.js';
import { queryOf, sql } from '../../../database/statement.js';
import type { AuthoriseCall } from '../provider.js';
import { faulty } from './faults.js';
import { BOOKING_COLUMNS, bookingOf, type Booking, type BookingRow, type Reaction } from './ledger.js';
import { methodNamed } from './methods.js';

// Sorted, so that two sandboxes over one ledger cannot deadlock. refunded and voided start with a grant.
const BOOK = sql(
  'sandbox.authorise',
  `INSERT INTO sandbox.ledger (key, kind, order_id, reference, method, amount, currency, outcome, reason, refunded, voided)
   SELECT k, 'authorise', o, r, m, a, c, CASE WHEN r IS NULL THEN 'refused' ELSE 'ok' END, e,
          CASE WHEN r IS NOT NULL THEN 0 END, CASE WHEN r IS NOT NULL THEN false END
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
       AS u(k, o, r, m, a, c, e)
    ORDER BY k ON CONFLICT (key) DO NOTHING RETURNING key`,
);

const FIND = sql('sandbox.find', `SELECT ${BOOKING_COLUMNS} FROM sandbox.ledger WHERE key = ANY($1::text[])`);

/** Books a set of authorisations, one row per key in one statement, and answers with what stands in the ledger. */
export async function authorise(ledger: Pool, set: AuthoriseCall[]): Promise<Reaction[]> {
  const faults = await faulty(ledger, set);
  const decided = set.filter(({ key }) => !faults.has(key)).map(decide);
  const fresh = await book(ledger, decided);
  // A second statement, because what another sandbox booked meanwhile is invisible to the first.
  const known = await find(
    ledger,
    decided.filter(({ key }) => !fresh.has(key)).map(({ key }) => key),
  );
  const made = new Map(decided.map((booking) => [booking.key, booking]));
  return set.map((call) => {
    if (faults.has(call.key)) return 'fault';
    if (fresh.has(call.key)) return { booking: made.get(call.key)!, fresh: true };
    const booking = known.get(call.key);
    return booking && isOf(booking, call) ? { booking, fresh: false } : 'key-reused';
  });
}

/** The bookings of these keys; a key that is not booked is left out. */
export async function find(ledger: Pool, keys: string[]): Promise<Map<string, Booking>> {
  if (keys.length === 0) return new Map();
  const { rows } = await ledger.query<BookingRow>(queryOf(FIND, [keys]));
  return new Map(rows.map((row) => [row.key, bookingOf(row)]));
}

/** UUIDv7 keeps the index on references growing at one end. */
function decide({ key, orderId, method, amount, currency }: AuthoriseCall): Booking {
  const reason = methodNamed(method).refusal ?? null;
  const reference = reason ? null : `auth_${uuidv7()}`;
  return {
    key,
    kind: 'authorise',
    orderId,
    reference,
    method,
    amount,
    currency,
    outcome: reason ? 'refused' : 'ok',
    reason,
  };
}

async function book(ledger: Pool, decided: Booking[]): Promise<ReadonlySet<string>> {
  if (decided.length === 0) return new Set();
  const columns = ['key', 'orderId', 'reference', 'method', 'amount', 'currency', 'reason'] as const;
  const values = columns.map((column) => decided.map((booking) => booking[column]));
  const { rows } = await ledger.query<{ key: string }>(queryOf(BOOK, values));
  return new Set(rows.map(({ key }) => key));
}

const isOf = (booking: Booking, call: AuthoriseCall): boolean =>
  booking.kind === 'authorise' &&
  (['orderId', 'method', 'amount', 'currency'] as const).every((field) => booking[field] === call[field]);
