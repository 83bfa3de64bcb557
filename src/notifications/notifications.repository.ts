import { Injectable } from '@nestjs/common';
import { sql, type Statement } from '../database/statement.js';
import type { Tx } from '../database/transaction.js';
import type { Letter } from './channels/channel.js';
import type { Notification, NotificationState } from './index.js';
import type { Kind } from './kind.js';
import type { Rendered } from './templates.js';

/** A notification as it is written, all but its time. */
export interface Draft extends Rendered {
  id: string;
  orderId: string;
  customerId: string;
  kind: Kind;
  to: string;
}

/** What became of a notification, after so many tries. */
export interface Ending {
  id: string;
  state: NotificationState;
  attempts: number;
}

/** One page of a list: `before` is the id of the last entry of the page before. */
export interface PageOf {
  orderId?: string;
  customerId?: string;
  before?: string;
  size: number;
}

/** The queries the use cases of notifications need: sets in and out, one statement per table. */
@Injectable()
export class NotificationsRepository {
  /** Writes what was not written before and answers the mails of those; one per order and kind, for ever. */
  async add(tx: Tx, drafts: Draft[]): Promise<Letter[]> {
    const rows = await tx.rows<{ id: string; at: Date }>(ADD, [
      drafts.map((d) => d.id),
      drafts.map((d) => d.orderId),
      drafts.map((d) => d.customerId),
      drafts.map((d) => d.kind),
      drafts.map((d) => d.to),
      drafts.map((d) => d.subject),
      drafts.map((d) => d.text),
      drafts.map((d) => d.html),
    ]);
    const written = new Map(rows.map((row) => [row.id, row.at.toISOString()]));
    return drafts
      .filter((d) => written.has(d.id))
      .map(({ id, to, subject, text, html }) => ({ id, to, subject, text, html, at: written.get(id)! }));
  }

  end(tx: Tx, endings: Ending[]): void {
    tx.write(END, [endings.map((e) => e.id), endings.map((e) => e.state), endings.map((e) => e.attempts)]);
  }

  /** Newest first, one list for each page asked; pages narrowed by the same fields share a statement. */
  async pages(tx: Tx, asked: PageOf[]): Promise<Notification[][]> {
    const found: Notification[][] = asked.map(() => []);
    for (const { narrows, statement } of LISTS) {
      const pages = [...asked.keys()].filter((i) => narrows(asked[i]!));
      if (pages.length === 0) continue;
      const rows = await tx.rows<PageRow>(statement, [
        pages.map((i) => asked[i]!.orderId ?? null),
        pages.map((i) => asked[i]!.customerId ?? null),
        pages.map((i) => asked[i]!.before ?? ''),
        pages.map((i) => asked[i]!.size),
      ]);
      for (const { page, at, ...row } of rows) found[pages[page - 1]!]!.push({ ...row, at: at.toISOString() });
    }
    return found;
  }
}

interface PageRow extends Omit<Notification, 'at'>, Record<string, unknown> {
  page: number;
  at: Date;
}

// In the order of the unique key, so that two sets with the same orders wait for each other and not in a circle.
const ADD = sql(
  'notifications.add',
  `INSERT INTO notifications.notifications (id, order_id, customer_id, kind, "to", subject, text, html)
   SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
       u(i, o, c, k, t, s, x, h) ORDER BY o COLLATE "C", k
   ON CONFLICT (order_id, kind) DO NOTHING RETURNING id, at`,
);

const END = sql(
  'notifications.end',
  `UPDATE notifications.notifications n SET state = u.s, attempts = u.a
     FROM unnest($1::text[], $2::text[], $3::int[]) u(i, s, a) WHERE n.id = u.i AND n.state = 'PENDING'`,
);

interface List {
  narrows: (page: PageOf) => boolean;
  statement: Statement;
}

/** One statement for each way to narrow: a condition that may be absent would keep the planner from the index. */
function list(byOrder: boolean, byCustomer: boolean): List {
  const narrowed = `${byOrder ? 'AND n.order_id = u.order_id' : ''} ${byCustomer ? 'AND n.customer_id = u.customer_id' : ''}`;
  return {
    narrows: ({ orderId, customerId }) =>
      (orderId !== undefined) === byOrder && (customerId !== undefined) === byCustomer,
    statement: sql(
      `notifications.list${byOrder ? '.order' : ''}${byCustomer ? '.customer' : ''}`,
      `SELECT u.page::int AS page, p.id, p.order_id AS "orderId", p.customer_id AS "customerId", p.channel, p."to", p.subject,
              p.text, p.html, p.state, p.at, CASE p.state WHEN 'PENDING' THEN coalesce((SELECT e.attempts FROM notifications.effects e
                WHERE e.kind = 'email' AND e.key = p.id LIMIT 1), 0) ELSE p.attempts END AS attempts
         FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) WITH ORDINALITY u(order_id, customer_id, before, size, page)
        CROSS JOIN LATERAL (SELECT * FROM notifications.notifications n WHERE (n.at, n.id) < (coalesce((SELECT at FROM notifications.notifications b WHERE b.id = u.before), 'infinity'), u.before) ${narrowed}
                             ORDER BY n.at DESC, n.id DESC LIMIT u.size) p
        ORDER BY u.page, p.at DESC, p.id DESC`,
    ),
  };
}

const LISTS = [list(false, false), list(true, false), list(false, true), list(true, true)];
