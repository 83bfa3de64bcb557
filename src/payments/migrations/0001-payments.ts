import type { MigrationInterface, QueryRunner } from 'typeorm';
import { messagingTables } from '../../messaging/tables.js';

// A payment is inserted once and updated two or three times within seconds; no update touches an indexed column, so
// with the room that fillfactor leaves they stay on their page.
const PAYMENTS = `
  CREATE TABLE payments.payments (
    id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL UNIQUE,
    customer_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    effect text,
    undo boolean NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 1000000000000),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    refunding bigint CHECK (refunding >= 0 AND refunded + refunding <= amount),
    refunds integer NOT NULL DEFAULT 0,
    provider text NOT NULL,
    reference text,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_column_of_the_story CHECK (CASE state
      WHEN 'PENDING' THEN effect IS NOT DISTINCT FROM 'authorise'
      WHEN 'AUTHORISED' THEN effect IS NULL OR effect IN ('capture', 'void')
      WHEN 'CAPTURED' THEN effect IS NULL OR effect = 'refund'
      ELSE state IN ('DECLINED', 'FAILED', 'VOIDED', 'REFUNDED') AND effect IS NULL END),
    CONSTRAINT undo_is_obeyed CHECK (NOT undo OR effect IS NOT NULL OR state NOT IN ('PENDING', 'AUTHORISED', 'CAPTURED')),
    CONSTRAINT an_open_refund_has_its_amount CHECK ((effect IS NOT DISTINCT FROM 'refund') = (refunding IS NOT NULL)),
    CONSTRAINT refunded_is_what_was_captured CHECK (CASE state
      WHEN 'CAPTURED' THEN refunded < amount OR amount = 0
      WHEN 'REFUNDED' THEN refunded = amount
      ELSE refunded = 0 END),
    CONSTRAINT held_money_has_a_reference CHECK (reference IS NOT NULL OR state NOT IN ('AUTHORISED', 'CAPTURED', 'REFUNDED')),
    CONSTRAINT a_refusal_has_a_reason CHECK (reason IS NOT NULL OR state NOT IN ('DECLINED', 'FAILED')),
    CONSTRAINT only_tombstones_are_blank CHECK (
      (customer_id <> '' AND currency <> '') OR (state = 'VOIDED' AND undo AND reference IS NULL AND amount = 0))
  ) WITH (fillfactor = 70)`;

/** The tables of payments. */
export class Payments1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of messagingTables('payments')) await runner.query(table);
    await runner.query(PAYMENTS);
    await runner.query('CREATE INDEX payments_customer_idx ON payments.payments (customer_id, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE payments.payments, payments.outbox, payments.seen, payments.inbox, payments.effects, payments.timers, payments.idempotency_keys',
    );
  }
}
