import { SandboxClient } from '../../../src/payments/providers/sandbox.client.js';
import { columns } from './database.js';
import { Effects, effectsTable, type Kind } from './effects.js';
import type { Handle, Message, Outbox, Outgoing } from './message-path.js';

interface Call {
  capture: boolean;
  amount: number;
  currency: string;
  method: string;
  reference: string;
}

const TIMEOUT_MS = 5_000;

export const PAYMENTS_TABLES = `CREATE TABLE payments.payments (order_id uuid PRIMARY KEY, state text NOT NULL, effect text,
    amount bigint NOT NULL, currency text NOT NULL, reference text, created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 70); ${effectsTable('payments')}`;

/** Authorises and captures: the decision is stored with its call, which is made after the commit. */
export function paymentsOver(providerUrl: string, outbox: Outbox): Handle {
  const effects = new Effects(callsTo(new SandboxClient(providerUrl), outbox));
  return async (run, messages, after) => {
    const [authorise, capture] = [of(messages, 'authorise'), of(messages, 'capture')];
    const calls: { key: string; body: Call }[] = [];
    if (authorise.length > 0) {
      await run(
        `INSERT INTO payments.payments (order_id, state, effect, amount, currency)
         SELECT o, 'PENDING', 'authorise', a, c FROM unnest($1::uuid[], $2::bigint[], $3::text[]) u(o, a, c)`,
        columns(
          authorise,
          (a) => a.orderId,
          (a) => a.amount,
          (a) => a.currency,
        ),
      );
      for (const { orderId, amount, currency, method } of authorise)
        calls.push({ key: orderId, body: { capture: false, amount, currency, method, reference: '' } });
    }
    if (capture.length > 0) {
      const rows = await run<{ order_id: string; amount: number; reference: string }>(
        `UPDATE payments.payments SET effect = 'capture', updated_at = now() WHERE order_id = ANY($1::uuid[])
         RETURNING order_id, amount::int, reference`,
        [capture.map((c) => c.orderId)],
      );
      for (const { order_id, amount, reference } of rows)
        calls.push({ key: order_id, body: { capture: true, amount, currency: '', method: '', reference } });
    }
    after(await effects.start(run, calls));
    return [];
  };
}

interface Asked {
  orderId: string;
  amount: number;
  currency: string;
  method: string;
}

const of = (messages: Message[], type: string): Asked[] =>
  messages.filter((m) => m.type === type).map((m) => m.body as Asked);

const callsTo = (provider: SandboxClient, outbox: Outbox): Kind<Call> => ({
  schema: 'payments',
  outbox,
  call: async ({ key, body }) => {
    const { capture, reference, amount, currency, method } = body;
    const answer = await (capture
      ? provider.capture({ key: `${key}:capture`, reference, amount }, TIMEOUT_MS)
      : provider.authorise({ key: `${key}:authorise`, orderId: key, amount, currency, method }, TIMEOUT_MS));
    if (answer.outcome !== 'ok') throw new Error(`the provider said ${answer.outcome}`);
    return answer.reference;
  },
  settle: async (run, settled) => {
    await run(
      `UPDATE payments.payments p SET state = u.s, effect = NULL, reference = u.r, updated_at = now()
         FROM unnest($1::uuid[], $2::text[], $3::text[]) u(o, s, r) WHERE p.order_id = u.o`,
      columns(
        settled,
        (s) => s.effect.key,
        (s) => (s.effect.body.capture ? 'CAPTURED' : 'AUTHORISED'),
        (s) => s.answer,
      ),
    );
    return settled.flatMap(({ effect: { key, body }, answer }): Outgoing[] => {
      const type = body.capture ? 'payment-captured' : 'payment-authorised';
      const payment = { orderId: key, amount: body.amount, currency: body.currency, reference: answer };
      return [
        { route: 'orders', type, body: { orderId: key } },
        { route: 'public', type: `payments.${type}.v1`, body: payment },
      ];
    });
  },
});
