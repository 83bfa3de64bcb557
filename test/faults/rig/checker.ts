import { Client } from 'pg';
import { broughtNear } from '../../support/one-view.js';
import { checkInvariants } from '../../support/invariants.js';
import type { SunkMail } from '../../support/smtp-sink.js';
import type { Journal } from './journal.js';

/** What clients were told against what there is; a customer of these tests places one order. Each answers what breaks it. */
const JOURNAL: Record<string, string> = {
  'an order that was acknowledged exists, once, under the id that was told': `
    SELECT j.key, j.order_id, array_agg(o.id) AS found FROM journal j LEFT JOIN orders.orders o ON o.customer_id = j.customer_id
     WHERE j.result = 'ok' GROUP BY 1, 2 HAVING count(o.id) <> 1 OR min(o.id) <> j.order_id`,
  'an order that was refused does not exist': `
    SELECT j.key, o.id FROM journal j JOIN orders.orders o ON o.customer_id = j.customer_id WHERE j.result = 'fail'`,
  'an order whose answer was lost exists at most once': `
    SELECT j.key, count(*) FROM journal j JOIN orders.orders o ON o.customer_id = j.customer_id
     WHERE j.result = 'info' GROUP BY 1 HAVING count(*) > 1`,
  'no order exists that nobody asked for': `
    SELECT o.id FROM orders.orders o WHERE NOT EXISTS (SELECT FROM journal j WHERE j.customer_id = o.customer_id)`,
};

/** The provider's own ledger against payments, in both directions. */
const LEDGER: Record<string, string> = {
  'the provider booked nothing for an order that has no payment': `
    SELECT l.key, l.kind FROM sandbox.ledger l LEFT JOIN payments.payments p ON p.order_id = l.order_id
     WHERE l.outcome = 'ok' AND p.id IS NULL`,
  'an order has at most one authorisation, one capture and one void at the provider': `
    SELECT order_id, kind, count(*) FROM sandbox.ledger WHERE outcome = 'ok' AND kind <> 'refund'
     GROUP BY 1, 2 HAVING count(*) > 1`,
  'what a payment says it did is in the ledger, to the unit': `
    SELECT p.id, p.state, p.amount, p.refunded, l.* FROM payments.payments p LEFT JOIN (
      SELECT order_id, coalesce(sum(amount) FILTER (WHERE kind = 'authorise'), 0) AS authorised,
             coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
             coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded_there, count(*) FILTER (WHERE kind = 'void') AS voids
        FROM sandbox.ledger WHERE outcome = 'ok' GROUP BY 1) l ON l.order_id = p.order_id
     WHERE CASE p.state
       WHEN 'CAPTURED' THEN l.captured IS DISTINCT FROM p.amount OR l.refunded_there <> p.refunded
       WHEN 'REFUNDED' THEN l.captured IS DISTINCT FROM p.amount OR l.refunded_there <> p.amount
       WHEN 'VOIDED' THEN coalesce(l.captured, 0) <> 0 OR (coalesce(l.authorised, 0) > 0 AND l.voids <> 1)
       WHEN 'DECLINED' THEN coalesce(l.authorised, 0) <> 0
       WHEN 'FAILED' THEN coalesce(l.authorised, 0) <> 0
       ELSE true END`,
};

/** Which entry may follow which; from docs/story.md, so that a late message cannot move an order backwards unseen. */
const LEGAL = new Set(
  `order-placed>order-authorised order-placed>order-rejected order-placed>order-closing
   order-authorised>order-reserved order-authorised>order-closing order-reserved>order-confirmed
   order-reserved>order-closing order-confirmed>order-closing
   order-closing>payment-undone order-closing>stock-undone payment-undone>stock-undone stock-undone>payment-undone
   payment-undone>order-rejected payment-undone>order-cancelled stock-undone>order-rejected stock-undone>order-cancelled`
    .trim()
    .split(/\s+/),
);

/** What a test saw of the world outside. */
export interface Witnesses {
  journal: Journal;
  mails?: SunkMail[];
  /** How often one mail may have come: a killed process sends one again that it could not write down. */
  mailsAtMost?: number;
}

/** With this every fault test ends: waits for quiet, then holds the house against all its witnesses. Answers the wait. */
export async function checkEverything(database: string, witnesses: Witnesses, within = 60_000): Promise<number> {
  const began = performance.now();
  await checkInvariants(database, within);
  const took = (performance.now() - began) / 1_000;
  const client = new Client({ connectionString: database });
  await client.connect();
  try {
    await loadJournal(client, witnesses.journal);
    const found: Record<string, unknown[]> = {};
    const near = await broughtNear(client);
    for (const [claim, query] of Object.entries({ ...JOURNAL, ...LEDGER })) {
      const { rows } = await client.query<object>(near(query));
      if (rows.length > 0) found[claim] = rows.slice(0, 5);
    }
    const illegal = await illegalSteps(client);
    if (illegal.length > 0) found['an order moves only as the story allows'] = illegal;
    if (witnesses.mails) Object.assign(found, await wrongMails(client, witnesses.mails, witnesses.mailsAtMost ?? 1));
    expect(found).toEqual({});
  } finally {
    await client.end();
  }
  return Math.round(took * 10) / 10;
}

async function loadJournal(client: Client, journal: Journal): Promise<void> {
  const calls = journal.collapsed();
  await client.query('CREATE TEMP TABLE journal (key text, customer_id text, result text, order_id text COLLATE "C")');
  await client.query('INSERT INTO journal SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])', [
    calls.map((c) => c.key),
    calls.map((c) => c.customerId),
    calls.map((c) => c.result),
    calls.map((c) => c.orderId ?? null),
  ]);
}

async function illegalSteps(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ step: string; order_id: string }>(
    `SELECT order_id, lag(type) OVER w || '>' || type AS step FROM orders.timeline WINDOW w AS (PARTITION BY order_id ORDER BY sequence)`,
  );
  return rows.filter((r) => r.step && !LEGAL.has(r.step)).map((r) => `${r.order_id} ${r.step}`);
}

/** Each mail that is said to be sent arrived, none arrived that is not known, and none more often than allowed. */
async function wrongMails(client: Client, mails: SunkMail[], atMost: number): Promise<Record<string, unknown[]>> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM notifications.notifications');
  const arrived = new Map<string, number>();
  for (const { messageId } of mails) {
    const id = /^<(.*)@sanmon>$/.exec(messageId)?.[1] ?? messageId;
    arrived.set(id, (arrived.get(id) ?? 0) + 1);
  }
  const known = new Set(rows.map((r) => r.id));
  const wrong = {
    'every mail that is told as sent arrived': [...known].filter((id) => !arrived.has(id)),
    'no mail arrived that nobody wrote': [...arrived.keys()].filter((id) => !known.has(id)),
    [`no mail arrived more than ${atMost} times`]: [...arrived].filter(([, n]) => n > atMost),
  };
  return Object.fromEntries(Object.entries(wrong).filter(([, found]) => found.length > 0));
}
