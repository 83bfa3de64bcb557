import type { IncomingMessage } from 'node:http';
import type { Pool } from 'pg';
import { queryOf, sql } from '../../../database/statement.js';
import type { AuthoriseCall } from '../provider.js';
import { authorise, find } from './authorise.js';
import { followUp, type FollowUp } from './follow-up.js';
import { BOOKING_COLUMNS, bookingOf, type Booking, type BookingRow, type Reaction } from './ledger.js';
import { methodNamed } from './methods.js';
import { authoriseCall, followUpCall, jsonOf, keyOf, printable, Refused } from './requests.js';
import { Sets } from './sets.js';

/** What a request is answered with: after `delayMs`, or never. */
export type Reply = { status: number; body: unknown; delayMs?: number } | 'silence';

const KINDS: Record<string, FollowUp['kind']> = { capture: 'capture', void: 'void', refunds: 'refund' };

const LEDGER = sql(
  'sandbox.ledger',
  `SELECT ${BOOKING_COLUMNS}, at FROM sandbox.ledger WHERE order_id = $1 ORDER BY at, key`,
);

/** Answers the requests of the sandbox's API out of the ledger, set by set. */
export class Routes {
  private readonly authorisations: Sets<AuthoriseCall, Reaction>;
  private readonly followUps: Sets<FollowUp, Reaction>;
  private readonly lookUps: Sets<{ key: string }, Booking | undefined>;

  constructor(private readonly ledger: Pool) {
    this.authorisations = new Sets((set) => authorise(ledger, set));
    this.followUps = new Sets((set) => followUp(ledger, set));
    this.lookUps = new Sets(async (set) => {
      const keys = set.map(({ key }) => key);
      const found = await find(ledger, keys);
      return keys.map((key) => found.get(key));
    });
  }

  /** Throws `Refused` for what is no request of this API, and the database's error if the ledger is away. */
  async reply(request: IncomingMessage): Promise<Reply> {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const [first, name, last, ...more] = url.pathname.slice(1).split('/');
    const route = more.length > 0 ? '' : `${request.method} /${first}${name === undefined ? '' : '/*'}`;
    if (route === 'POST /authorisations') return this.authorise(request);
    if (route === 'POST /authorisations/*' && last !== undefined && Object.hasOwn(KINDS, last))
      return this.followUp(request, KINDS[last]!, decoded(name!));
    if (last !== undefined) throw new Refused(404, 'unknown path');
    if (route === 'GET /operations/*') return this.find(decoded(name!));
    if (route === 'GET /ledger') return this.bookings(printable(url.searchParams.get('orderId'), 'orderId'));
    if (route === 'GET /healthz') return this.health();
    throw new Refused(404, 'unknown path');
  }

  private async authorise(request: IncomingMessage): Promise<Reply> {
    const call = authoriseCall(keyOf(request), await jsonOf(request));
    const { unavailable, delayMs } = methodNamed(call.method);
    if (unavailable) return { status: 503, body: { error: 'unavailable' } };
    return replyTo(call.key, await this.authorisations.add(call), delayMs);
  }

  private async followUp(request: IncomingMessage, kind: FollowUp['kind'], reference: string): Promise<Reply> {
    const call = followUpCall(keyOf(request), kind, reference, await jsonOf(request));
    return replyTo(call.key, await this.followUps.add(call), 0);
  }

  private async find(key: string): Promise<Reply> {
    const booking = await this.lookUps.add({ key });
    return booking ? { status: 200, body: answerIn(booking) } : { status: 404, body: { key, booked: false } };
  }

  private async bookings(orderId: string): Promise<Reply> {
    const { rows } = await this.ledger.query<BookingRow>(queryOf(LEDGER, [orderId]));
    return { status: 200, body: rows.map(bookingOf) };
  }

  private async health(): Promise<Reply> {
    await this.ledger.query('SELECT 1');
    return { status: 200, body: { status: 'ok' } };
  }
}

function decoded(segment: string): string {
  try {
    return printable(decodeURIComponent(segment), 'path');
  } catch {
    throw new Refused(404, 'unknown path');
  }
}

function replyTo(key: string, reaction: Reaction, delayMs: number): Reply {
  if (reaction === 'fault') return { status: 500, body: { error: 'fault' } };
  if (reaction === 'key-reused')
    return { status: 422, body: { key, outcome: 'refused', reason: 'idempotency-key-reused' } };
  const { booking, fresh } = reaction;
  if (fresh && methodNamed(booking.method ?? '').silent) return 'silence';
  return { status: booking.outcome === 'ok' ? 200 : 402, body: answerIn(booking), delayMs };
}

function answerIn({ key, kind, outcome, reference, reason, amount }: Booking) {
  return outcome === 'ok' ? { key, kind, amount, outcome, reference } : { key, kind, amount, outcome, reason };
}
