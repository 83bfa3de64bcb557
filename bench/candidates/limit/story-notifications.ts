import { PreviewChannel } from '../../../src/notifications/channels/preview.channel.js';
import { render } from '../../../src/notifications/templates.js';
import type { Order } from '../../../src/orders/index.js';
import { columns } from './database.js';
import { Effects, effectsTable, type Kind } from './effects.js';
import type { Handle, Outbox } from './message-path.js';

interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

export const NOTIFICATIONS_TABLES = `CREATE TABLE notifications.notifications (order_id uuid PRIMARY KEY, "to" text NOT NULL,
    subject text NOT NULL, text text NOT NULL, html text NOT NULL, state text NOT NULL DEFAULT 'PENDING',
    at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 85); ${effectsTable('notifications')}`;

/** Writes the mail about a confirmed order with the product's own template, and gives it to the product's own preview. */
export function notificationsOver(outbox: Outbox): Handle {
  const effects = new Effects(mails(outbox));
  return async (run, messages, after) => {
    const drafts = messages.map(({ body }) => {
      const order = body as Order;
      return { key: order.id, body: { to: order.email, ...render('CONFIRMED', order) } };
    });
    await run(
      `INSERT INTO notifications.notifications (order_id, "to", subject, text, html)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])`,
      columns(
        drafts,
        (d) => d.key,
        (d) => d.body.to,
        (d) => d.body.subject,
        (d) => d.body.text,
        (d) => d.body.html,
      ),
    );
    after(await effects.start(run, drafts));
    return [];
  };
}

function mails(outbox: Outbox): Kind<Mail> {
  const channel = new PreviewChannel();
  return {
    schema: 'notifications',
    outbox,
    call: async ({ key, body }) => {
      const sent = await channel.send({ id: key, at: new Date().toISOString(), ...body });
      if (!('taken' in sent)) throw new Error('the preview refused a mail');
      return 'SENT';
    },
    settle: async (run, settled) => {
      await run(`UPDATE notifications.notifications SET state = 'SENT' WHERE order_id = ANY($1::uuid[])`, [
        settled.map((s) => s.effect.key),
      ]);
      return [];
    },
  };
}
