import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { SCOPES } from '../../src/access/principal.js';
import { dataSourceFor, opened } from '../../src/database/data-sources.js';
import { Database } from '../../src/database/database.js';
import { Failure } from '../../src/failure.js';
import type { Asked } from '../../src/gates/asked.js';
import { GatesModule } from '../../src/gates/gates.module.js';
import { configureHttp } from '../../src/gates/http/http.js';
import { operationOf } from '../../src/gates/operation.js';
import { type MessageClass, messageOf } from '../../src/messaging/contract.js';
import { Effects } from '../../src/messaging/effects/effects.js';
import { Handlers } from '../../src/messaging/handlers.js';
import type { Message } from '../../src/messaging/message.js';
import { MessagingModule } from '../../src/messaging/messaging.module.js';
import { Outbox } from '../../src/messaging/outbox/outbox.js';
import { Signature } from '../../src/messaging/outbox/signature.js';
import { Traffic } from '../../src/messaging/traffic.js';
import { AdvancePayment } from '../../src/payments/advance-payment.js';
import { GetPayment, GetPaymentHandler } from '../../src/payments/get-payment.js';
import { AuthorisePayment, CapturePayment, type Payment, UndoPayment } from '../../src/payments/index.js';
import { ListPayments, ListPaymentsHandler, type PaymentPage } from '../../src/payments/list-payments.js';
import { PaymentEffects } from '../../src/payments/payment-effects.js';
import type { PaymentRecord } from '../../src/payments/payment-record.js';
import { PaymentStory } from '../../src/payments/payment-story.js';
import { PaymentsModule } from '../../src/payments/payments.module.js';
import { PaymentsRepository } from '../../src/payments/payments.repository.js';
import { paymentsStorage } from '../../src/payments/payments.storage.js';
import type { PaymentProvider } from '../../src/payments/providers/provider.js';
import { SandboxClient } from '../../src/payments/providers/sandbox.client.js';
import { startSandbox, type Sandbox } from '../../src/payments/providers/sandbox/server.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';

const borrowed = useDatabase();
let source: DataSource;
let database: Database;
let sandbox: Sandbox;
let payments: House;

/** Payments without a carrier: what it says stays in its outbox. */
class House {
  readonly effects = new Effects('payments', { database, wake: () => undefined });
  readonly story: PaymentStory;
  private readonly commands: AdvancePayment;

  constructor(provider: PaymentProvider, deadlineMs = 60_000) {
    const outbox = new Outbox('payments', true, () => undefined);
    const options = { provider, deadlineMs };
    this.story = new PaymentStory(new PaymentsRepository(), outbox, this.effects, options);
    this.commands = new AdvancePayment(this.story);
    new PaymentEffects(this.effects, this.story, options).onModuleInit();
  }

  /** Hands a set of commands over, as the lanes do. */
  tell(...set: Message<never>[]): Promise<(Failure | undefined)[]> {
    return database.transaction((tx) => this.commands.handle(tx, set));
  }
}

beforeAll(async () => {
  source = await opened(dataSourceFor(borrowed.url, [paymentsStorage]), [paymentsStorage]);
  database = new Database(source);
  sandbox = await startSandbox({ databaseUrl: borrowed.url });
});
beforeEach(() => {
  payments = new House(new SandboxClient(sandbox.url));
});
afterEach(async () => {
  await payments.effects.stop();
  jest.restoreAllMocks();
});
afterAll(async () => {
  await sandbox?.close();
  await source?.destroy();
});

const newOrder = () => `ord_${v7()}`;
const told = <B extends { orderId: string }>(type: MessageClass<B>, body: B) =>
  ({ id: v7(), type: messageOf(type).type, key: body.orderId, body }) as Message<never>;
const authorise = (orderId: string, paymentMethod = 'pm_ok', customerId = 'cus_1', amount = 1200) =>
  told(AuthorisePayment, { orderId, customerId, currency: 'JPY', amount, paymentMethod });
const capture = (orderId: string) => told(CapturePayment, { orderId });
const undo = (orderId: string) => told(UndoPayment, { orderId });

const rowOf = async (orderId: string) =>
  (await source.getRepository<PaymentRecord>('Payment').findOneBy({ orderId })) ?? undefined;

/** What was said about an order: to the house and to the world, in order. */
async function saidOf(orderId: string): Promise<{ type: string; route: string; body: Payment }[]> {
  const rows: { type: string; route: string; body: string }[] = await source.query(
    'SELECT type, route, body FROM payments.outbox WHERE key = $1 ORDER BY seq',
    [orderId],
  );
  return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as Payment }));
}
const inside = async (orderId: string) =>
  (await saidOf(orderId)).filter(({ route }) => route === 'internal:payments.events').map(({ type }) => type);
const outside = async (orderId: string) =>
  (await saidOf(orderId)).filter(({ route }) => route === 'public').map(({ type }) => type);

/** What the provider booked for an order. */
async function bookedFor(orderId: string): Promise<string[]> {
  const ledger = (await (await fetch(`${sandbox.url}/ledger?orderId=${orderId}`)).json()) as Record<string, unknown>[];
  return ledger.map(({ kind, outcome }) => `${kind as string} ${outcome as string}`);
}

/** Waits until no effect of an order is open; looks for retries that are due meanwhile. */
async function settled(orderId: string, within = 20_000): Promise<PaymentRecord> {
  return eventually(
    async () => {
      await payments.effects.sweep();
      const row = await rowOf(orderId);
      expect(row).toMatchObject({ effect: null });
      return row!;
    },
    { within },
  );
}

async function captured(orderId: string, method = 'pm_ok'): Promise<void> {
  await payments.tell(authorise(orderId, method));
  await settled(orderId);
  await payments.tell(capture(orderId));
  await settled(orderId);
}

const AUTHORISED = 'payments.payment-authorised.v1';
const DECLINED = 'payments.payment-declined.v1';
const FAILED = 'payments.payment-failed.v1';
const CAPTURED = 'payments.payment-captured.v1';
const CAPTURE_REFUSED = 'payments.capture-refused.v1';
const VOIDED = 'payments.payment-voided.v1';
const REFUNDED = 'payments.payment-refunded.v1';
const UNDONE = 'payments.payment-undone.v1';

describe('A payment', () => {
  it('is authorised at the provider and says so, to the house and to the world', async () => {
    const orderId = newOrder();
    expect(await payments.tell(authorise(orderId))).toEqual([undefined]);
    expect(await rowOf(orderId)).toMatchObject({ state: 'PENDING', effect: 'authorise', reference: null });
    const row = await settled(orderId);
    expect(row).toMatchObject({ state: 'AUTHORISED', undo: false, provider: 'sandbox' });
    const [first, second] = await saidOf(orderId);
    expect(first).toMatchObject({ type: AUTHORISED, route: 'internal:payments.events' });
    expect(second).toMatchObject({ type: AUTHORISED, route: 'public' });
    expect(first!.body).toEqual({
      id: expect.stringMatching(/^pay_/),
      orderId,
      customerId: 'cus_1',
      state: 'AUTHORISED',
      currency: 'JPY',
      amount: 1200,
      refunded: 0,
      provider: 'sandbox',
      providerReference: expect.stringMatching(/^auth_/),
      createdAt: row.createdAt!.toISOString(),
      updatedAt: row.updatedAt!.toISOString(),
    });
    expect(await bookedFor(orderId)).toEqual(['authorise ok']);
  });

  it('is captured, and given back when it is undone afterwards', async () => {
    const orderId = newOrder();
    await captured(orderId);
    expect(await rowOf(orderId)).toMatchObject({ state: 'CAPTURED' });
    await payments.tell(undo(orderId));
    expect(await settled(orderId)).toMatchObject({ state: 'REFUNDED', refunded: 1200 });
    expect(await inside(orderId)).toEqual([AUTHORISED, CAPTURED, UNDONE]);
    expect(await outside(orderId)).toEqual([AUTHORISED, CAPTURED, REFUNDED]);
    expect(await bookedFor(orderId)).toEqual(['authorise ok', 'capture ok', 'refund ok']);
  });

  it('of nothing is captured and given back like any other', async () => {
    const orderId = newOrder();
    await payments.tell(authorise(orderId, 'pm_ok', 'cus_1', 0));
    await settled(orderId);
    await payments.tell(capture(orderId));
    await settled(orderId);
    await payments.tell(undo(orderId));
    expect(await settled(orderId)).toMatchObject({ state: 'REFUNDED', refunded: 0 });
  });

  it.each([
    ['pm_declined', 'payment-declined'],
    ['pm_insufficient_funds', 'insufficient-funds'],
    ['pm_of_the_moon', 'unknown-payment-method'],
  ])('with %s is declined: %s', async (method, reason) => {
    const orderId = newOrder();
    await payments.tell(authorise(orderId, method));
    expect(await settled(orderId)).toMatchObject({ state: 'DECLINED', reason });
    expect(await inside(orderId)).toEqual([DECLINED]);
    await payments.tell(undo(orderId));
    expect(await inside(orderId)).toEqual([DECLINED, UNDONE]);
  });

  it('whose capture is refused stays authorised, says so, and is voided by undo', async () => {
    const orderId = newOrder();
    await captured(orderId, 'pm_capture_fails');
    expect(await rowOf(orderId)).toMatchObject({ state: 'AUTHORISED', reason: 'capture-failed' });
    expect(await inside(orderId)).toEqual([AUTHORISED, CAPTURE_REFUSED]);
    await payments.tell(undo(orderId));
    expect(await settled(orderId)).toMatchObject({ state: 'VOIDED' });
    expect(await inside(orderId)).toEqual([AUTHORISED, CAPTURE_REFUSED, UNDONE]);
    expect(await outside(orderId)).toEqual([AUTHORISED, VOIDED]);
    expect(await bookedFor(orderId)).toEqual(['authorise ok', 'capture refused', 'void ok']);
  });

  it('answers every repeat again, and books nothing twice', async () => {
    const orderId = newOrder();
    await payments.tell(authorise(orderId));
    await payments.tell(authorise(orderId));
    await settled(orderId);
    await payments.tell(authorise(orderId));
    expect(await inside(orderId)).toEqual([AUTHORISED, AUTHORISED]);
    await payments.tell(capture(orderId));
    await payments.tell(capture(orderId));
    await settled(orderId);
    await payments.tell(capture(orderId));
    expect(await inside(orderId)).toEqual([AUTHORISED, AUTHORISED, CAPTURED, CAPTURED]);
    await payments.tell(undo(orderId));
    await payments.tell(undo(orderId));
    await settled(orderId);
    await payments.tell(undo(orderId));
    expect((await inside(orderId)).slice(4)).toEqual([UNDONE, UNDONE]);
    expect(await bookedFor(orderId)).toEqual(['authorise ok', 'capture ok', 'refund ok']);
  });

  it('undone before it began leaves a tombstone that nobody sees and that a later authorise finds', async () => {
    const orderId = newOrder();
    await payments.tell(undo(orderId));
    expect(await rowOf(orderId)).toMatchObject({ state: 'VOIDED', undo: true });
    await payments.tell(authorise(orderId));
    expect(await rowOf(orderId)).toMatchObject({ state: 'VOIDED', effect: null });
    expect((await saidOf(orderId)).map(({ body }) => body)).toEqual([{ orderId }, { orderId }]);
    expect(await inside(orderId)).toEqual([UNDONE, UNDONE]);
    expect(await bookedFor(orderId)).toEqual([]);
    const { id } = (await rowOf(orderId))!;
    expect(await ask(new GetPaymentHandler(new PaymentsRepository()), GetPayment, { id })).toMatchObject({
      code: 'payment-not-found',
    });
    expect(await ask(new ListPaymentsHandler(database), ListPayments, { orderId })).toEqual({ payments: [] });
  });

  it('that cannot be is refused with an alarm and left as it is', async () => {
    const alarm = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const [lost, pending] = [newOrder(), newOrder()];
    await payments.tell(authorise(pending, 'pm_slow'));
    const refused = await payments.tell(capture(lost), capture(pending));
    expect(refused).toEqual([expect.any(Failure), expect.any(Failure)]);
    expect(refused.map((failure) => failure?.code)).toEqual(['story-bug', 'story-bug']);
    expect(alarm).toHaveBeenCalledTimes(2);
    expect(await rowOf(lost)).toBeUndefined();
    expect(await settled(pending)).toMatchObject({ state: 'AUTHORISED' });
  });
});

describe('Undo during an open effect', () => {
  /** The sandbox, with one operation that is not answered before `release` is called. */
  let release = (): void => undefined;
  function hold(operation: 'authorise' | 'capture' | 'refund') {
    const held = new Promise<void>((resolve) => (release = resolve));
    const provider: PaymentProvider = new SandboxClient(sandbox.url);
    const book = provider[operation].bind(provider) as (call: never, timeoutMs: number) => Promise<never>;
    provider[operation] = (call: unknown, timeoutMs: number) => held.then(() => book(call as never, timeoutMs));
    payments = new House(provider);
  }
  // Also after a failure: what is held would keep the effects from stopping.
  afterEach(() => release());

  it('sets a flag over an authorisation, which voids it when it settles', async () => {
    const orderId = newOrder();
    hold('authorise');
    await payments.tell(authorise(orderId));
    await payments.tell(undo(orderId));
    expect(await rowOf(orderId)).toMatchObject({ state: 'PENDING', effect: 'authorise', undo: true });
    expect(await inside(orderId)).toEqual([]);
    release();
    expect(await settled(orderId)).toMatchObject({ state: 'VOIDED' });
    expect(await inside(orderId)).toEqual([UNDONE]);
    expect(await bookedFor(orderId)).toEqual(['authorise ok', 'void ok']);
  });

  it('sets a flag over an authorisation that is declined, and is answered all the same', async () => {
    const orderId = newOrder();
    hold('authorise');
    await payments.tell(authorise(orderId, 'pm_declined'));
    await payments.tell(undo(orderId));
    release();
    expect(await settled(orderId)).toMatchObject({ state: 'DECLINED' });
    expect(await inside(orderId)).toEqual([UNDONE]);
  });

  it.each([
    ['pm_ok', 'refunds', 'REFUNDED', ['authorise ok', 'capture ok', 'refund ok']],
    ['pm_capture_fails', 'voids', 'VOIDED', ['authorise ok', 'capture refused', 'void ok']],
  ])('sets a flag over a capture with %s, which %s it when it settles', async (method, _does, state, ledger) => {
    const orderId = newOrder();
    hold('capture');
    await payments.tell(authorise(orderId, method));
    await settled(orderId);
    await payments.tell(capture(orderId));
    await payments.tell(undo(orderId));
    expect(await rowOf(orderId)).toMatchObject({ state: 'AUTHORISED', effect: 'capture', undo: true });
    release();
    expect(await settled(orderId)).toMatchObject({ state });
    expect(await inside(orderId)).toEqual([AUTHORISED, UNDONE]);
    expect(await bookedFor(orderId)).toEqual(ledger);
  });

  it('waits for the transaction that opens it', async () => {
    const orderId = newOrder();
    hold('capture');
    await payments.tell(authorise(orderId));
    await settled(orderId);
    let undoing!: Promise<unknown>;
    await database.transaction(async (tx) => {
      await payments.story.advance(tx, [{ orderId, event: { type: 'capture' } }]);
      undoing = payments.tell(undo(orderId));
      await sleep(200);
    });
    await undoing;
    expect(await rowOf(orderId)).toMatchObject({ state: 'AUTHORISED', effect: 'capture', undo: true });
    release();
    expect(await settled(orderId)).toMatchObject({ state: 'REFUNDED' });
  });

  it('sets a flag over an operator’s refund, which is followed by the rest', async () => {
    const orderId = newOrder();
    hold('refund');
    await captured(orderId);
    const refund = { orderId, event: { type: 'refund', amount: 500 } } as const;
    await database.transaction((tx) => payments.story.advance(tx, [refund]));
    await payments.tell(undo(orderId));
    expect(await rowOf(orderId)).toMatchObject({ state: 'CAPTURED', effect: 'refund', refunding: 500, undo: true });
    release();
    expect(await settled(orderId)).toMatchObject({ state: 'REFUNDED', refunded: 1200, refunds: 2 });
    expect(await inside(orderId)).toEqual([AUTHORISED, CAPTURED, 'payments.refund-settled.v1', UNDONE]);
    expect(await outside(orderId)).toEqual([AUTHORISED, CAPTURED, REFUNDED, REFUNDED]);
    expect(await bookedFor(orderId)).toEqual(['authorise ok', 'capture ok', 'refund ok', 'refund ok']);
  });

  it('gives the money back when the provider captured what we were voiding', async () => {
    const orderId = newOrder();
    await payments.tell(authorise(orderId));
    const { id, reference } = await settled(orderId);
    const stranger = new SandboxClient(sandbox.url);
    await stranger.capture({ key: `${id}:stranger`, reference: reference!, amount: 1200 }, 5_000);
    await payments.tell(undo(orderId));
    expect(await settled(orderId)).toMatchObject({ state: 'REFUNDED' });
    expect(await bookedFor(orderId)).toEqual(['authorise ok', 'capture ok', 'void refused', 'refund ok']);
  });
});

describe('A provider in trouble', () => {
  it('that fails twice is asked again with the same key until it is booked once', async () => {
    const orderId = newOrder();
    await payments.tell(authorise(orderId, 'pm_error_then_ok'));
    expect(await settled(orderId)).toMatchObject({ state: 'AUTHORISED' });
    expect(await bookedFor(orderId)).toEqual(['authorise ok']);
  });

  it('that books and does not answer is asked what it booked', async () => {
    const orderId = newOrder();
    await payments.tell(authorise(orderId, 'pm_timeout_then_ok'));
    expect(await settled(orderId)).toMatchObject({ state: 'AUTHORISED' });
    expect(await bookedFor(orderId)).toEqual(['authorise ok']);
  });

  it('that is unavailable until the deadline fails the payment, and not much later', async () => {
    payments = new House(new SandboxClient(sandbox.url), 2_000);
    const [orderId, flagged] = [newOrder(), newOrder()];
    const begun = Date.now();
    await payments.tell(authorise(orderId, 'pm_unavailable'), authorise(flagged, 'pm_unavailable'));
    await payments.tell(undo(flagged));
    expect(await settled(orderId)).toMatchObject({ state: 'FAILED', reason: 'payment-unavailable' });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1_990);
    expect(Date.now() - begun).toBeLessThan(20_000);
    expect(await settled(flagged)).toMatchObject({ state: 'FAILED' });
    expect(await inside(orderId)).toEqual([FAILED]);
    expect(await inside(flagged)).toEqual([UNDONE]);
  });

  it('whose answer is lost with our process is asked by key by the next one', async () => {
    const orderId = newOrder();
    const sandboxClient = new SandboxClient(sandbox.url);
    let answered!: () => void;
    const booked = new Promise<void>((resolve) => (answered = resolve));
    const dying: PaymentProvider = Object.assign(new SandboxClient(sandbox.url), {
      // Booked, and then the process is gone before it can settle.
      authorise: async (call: never) => {
        await sandboxClient.authorise(call, 5_000);
        answered();
        return new Promise<never>(() => undefined);
      },
    });
    await new House(dying).tell(authorise(orderId));
    await booked;
    await source.query('UPDATE payments.effects SET lease = now() WHERE key = $1', [orderId]);
    const looked = jest.spyOn(SandboxClient.prototype, 'find');
    expect(await settled(orderId)).toMatchObject({ state: 'AUTHORISED' });
    expect(looked).toHaveBeenCalledTimes(1);
    expect(await bookedFor(orderId)).toEqual(['authorise ok']);
  });

  it('that refuses a refund is asked again later under a new key, with an alarm', async () => {
    const alarm = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const orderId = newOrder();
    await captured(orderId);
    const { reference } = (await rowOf(orderId))!;
    const stranger = new SandboxClient(sandbox.url);
    await stranger.refund({ key: `${orderId}:stranger`, reference: reference!, amount: 1200 }, 5_000);
    await payments.tell(undo(orderId));
    await eventually(async () =>
      expect(await rowOf(orderId)).toMatchObject({ state: 'CAPTURED', effect: 'refund', refunding: 1200, refunds: 2 }),
    );
    expect(alarm).toHaveBeenCalledWith(expect.stringContaining('was refused: exceeds-captured'), expect.anything());
    await eventually(async () => {
      const [waiting] = await source.query<{ attempts: number; wait: number }[]>(
        'SELECT attempts, extract(epoch FROM lease - now())::int AS wait FROM payments.effects WHERE key = $1',
        [orderId],
      );
      expect(waiting).toMatchObject({ attempts: 1 });
      expect(waiting!.wait).toBeGreaterThan(11);
    });
    await source.query('DELETE FROM payments.effects WHERE key = $1', [orderId]);
  });
});

describe('A set of commands', () => {
  /** The statements that a set of this size takes, up to and including COMMIT. */
  async function statements(make: (orderId: string) => Message<never>, orders: string[]): Promise<string[]> {
    const query = jest.spyOn(Client.prototype, 'query');
    await payments.tell(...orders.map((orderId) => make(orderId)));
    const { calls, contexts } = query.mock;
    query.mockRestore();
    const sent = calls.map(([asked], i) => {
      const statement = asked as unknown as string | { name?: string; text: string };
      const text = typeof statement === 'string' ? statement.split(';')[0]! : (statement.name ?? statement.text);
      return { text, client: contexts[i] };
    });
    // The sandbox lives in this process, too: only the connection of our transaction counts.
    const { client } = sent.find(({ text }) => text === 'payments.lock')!;
    const ours = sent.filter((one) => one.client === client).map(({ text }) => text);
    return ours.slice(0, ours.indexOf('COMMIT') + 1);
  }
  const orders = (count: number) => Array.from({ length: count }, newOrder);
  const allSettled = (ids: string[]) =>
    eventually(
      async () => {
        const open = await source.query<{ n: number }[]>(
          'SELECT count(*)::int AS n FROM payments.payments WHERE order_id = ANY($1) AND effect IS NOT NULL',
          [ids],
        );
        expect(open).toEqual([{ n: 0 }]);
      },
      { within: 20_000 },
    );

  it('takes the same statements for 100 orders as for one', async () => {
    const [one, hundred] = [orders(1), orders(100)];
    const set = ['BEGIN', 'payments.lock', 'payments.insert', 'payments.effects.insert', 'COMMIT'];
    expect(await statements(authorise, one)).toEqual(set);
    await allSettled(one);
    expect(await statements(authorise, hundred)).toEqual(set);
    await allSettled(hundred);
    const moved = ['BEGIN', 'payments.lock', 'payments.update', 'payments.effects.insert', 'COMMIT'];
    expect(await statements(capture, hundred)).toEqual(moved);
    await allSettled(hundred);
    const again = ['BEGIN', 'payments.lock', 'payments.outbox.insert', 'COMMIT'];
    expect(await statements(capture, hundred)).toEqual(again);
  });

  it('settles in sets, too', async () => {
    const updates: number[] = [];
    const update = jest.spyOn(PaymentsRepository.prototype, 'update');
    const hundred = orders(100);
    await payments.tell(...hundred.map((orderId) => authorise(orderId)));
    await allSettled(hundred);
    for (const [, changed] of update.mock.calls) if (changed.length > 0) updates.push(changed.length);
    expect(updates.reduce((sum, n) => sum + n, 0)).toBe(100);
    expect(updates.length).toBeLessThan(50);
    for (const orderId of hundred) expect(await inside(orderId)).toEqual([AUTHORISED]);
  });

  it('may hold all three commands, each for its own order', async () => {
    const [first, second, third] = [newOrder(), newOrder(), newOrder()];
    await payments.tell(authorise(first), authorise(second));
    await allSettled([first, second]);
    await payments.tell(undo(second), authorise(third), capture(first), undo(newOrder()));
    await allSettled([first, second, third]);
    expect([await rowOf(first), await rowOf(second), await rowOf(third)]).toMatchObject([
      { state: 'CAPTURED' },
      { state: 'VOIDED' },
      { state: 'AUTHORISED' },
    ]);
  });

  it('is worked through without deadlock by two processes that lock the same orders', async () => {
    const shared = orders(40);
    await payments.tell(...shared.map((orderId) => authorise(orderId)));
    await allSettled(shared);
    const query = jest.spyOn(Client.prototype, 'query');
    const sets = [shared, [...shared].reverse(), shared, [...shared].reverse()];
    await Promise.all(sets.map((set) => payments.tell(...set.map((orderId) => authorise(orderId)))));
    expect(query.mock.calls.filter(([text]) => (text as unknown) === 'ROLLBACK')).toEqual([]);
    for (const orderId of shared) expect(await inside(orderId)).toHaveLength(5);
  });
});

describe('The table of payments', () => {
  it.each([
    [
      'a second payment of an order',
      `INSERT INTO payments.payments SELECT 'pay_2', order_id, customer_id, state, effect, undo, currency, amount FROM payments.payments WHERE id = $1`,
    ],
    ['an undo that nobody obeys', 'UPDATE payments.payments SET undo = true WHERE id = $1'],
    ['an effect that does not belong to the state', `UPDATE payments.payments SET effect = 'void' WHERE id = $1`],
    ['a refund without its amount', `UPDATE payments.payments SET effect = 'refund' WHERE id = $1`],
    [
      'a refund beyond what was captured',
      `UPDATE payments.payments SET effect = 'refund', refunding = 1201 WHERE id = $1`,
    ],
    ['more refunded than captured', 'UPDATE payments.payments SET refunded = 1201 WHERE id = $1'],
    ['a payment that is captured and all given back', 'UPDATE payments.payments SET refunded = 1200 WHERE id = $1'],
    ['held money without a reference', 'UPDATE payments.payments SET reference = NULL WHERE id = $1'],
    ['an unknown state', `UPDATE payments.payments SET state = 'LOST' WHERE id = $1`],
    ['a payment of nobody', `UPDATE payments.payments SET customer_id = '' WHERE id = $1`],
  ])('refuses %s', async (_what, text) => {
    const orderId = newOrder();
    await captured(orderId);
    const { id } = (await rowOf(orderId))!;
    await expect(source.query(text, [id])).rejects.toThrow(/violates (check|unique|not-null) constraint/);
  });
});

async function ask<C extends object, R>(
  useCase: { handle(tx: never, asked: Asked<C>[]): Promise<(R | Failure)[]> },
  type: new () => C,
  command: Partial<C>,
  customerId?: string,
): Promise<R | Failure> {
  const by = { name: 'tester', scopes: new Set(SCOPES), customerId };
  const asked = { id: v7(), operation: operationOf(type), command: Object.assign(new type(), command), by };
  return database.read(async (tx) => (await useCase.handle(tx as never, [asked]))[0]!);
}

describe('The gates of payments', () => {
  let app: NestExpressApplication;
  let url: string;
  const customerId = `cus_${v7()}`;
  const orderIds = [newOrder(), newOrder(), newOrder()];

  beforeAll(async () => {
    const traffic = new Traffic(
      { modules: new Map([['payments', database]]), retentionDays: 30, signature: new Signature('secret') },
      new Handlers(),
    );
    const testing = await Test.createTestingModule({
      imports: [
        MessagingModule.forRoot(traffic),
        GatesModule.forRoot({ text: 'reader:secret-1:payments:read;other:secret-2:orders:read' }),
        PaymentsModule.forRoot({ provider: new SandboxClient(sandbox.url), deadlineMs: 60_000 }),
      ],
    }).compile();
    app = testing.createNestApplication<NestExpressApplication>({ bodyParser: false, logger: false });
    configureHttp(app);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    payments = new House(new SandboxClient(sandbox.url));
    for (const orderId of orderIds) {
      await payments.tell(authorise(orderId, 'pm_ok', customerId));
      await settled(orderId);
    }
  });
  afterAll(() => app?.close());

  const get = async (path: string, secret = 'secret-1') => {
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${secret}` } });
    return { status: answer.status, body: (await answer.json()) as Payment & PaymentPage & { code: string } };
  };

  it('answer one payment as its events show it', async () => {
    const [said] = await saidOf(orderIds[0]!);
    expect(await get(`/v1/payments/${said!.body.id}`)).toEqual({ status: 200, body: said!.body });
  });

  it('answer 404 payment-not-found for what is no payment', async () => {
    for (const id of [`pay_${v7()}`, 'nothing'])
      expect(await get(`/v1/payments/${id}`)).toMatchObject({ status: 404, body: { code: 'payment-not-found' } });
  });

  it('answer 403 without the scope payments:read', async () => {
    expect(await get('/v1/payments', 'secret-2')).toMatchObject({ status: 403, body: { code: 'missing-scope' } });
  });

  it('list the payment of an order', async () => {
    const { status, body } = await get(`/v1/payments?orderId=${orderIds[1]}`);
    expect(status).toBe(200);
    expect(body).toEqual({ payments: [expect.objectContaining({ orderId: orderIds[1], state: 'AUTHORISED' })] });
  });

  it('list payments newest first, page by page', async () => {
    const first = await get('/v1/payments?pageSize=2');
    expect(first.body.payments.map(({ orderId }) => orderId)).toEqual([orderIds[2], orderIds[1]]);
    const second = await get(`/v1/payments?pageSize=2&pageToken=${first.body.nextPageToken}`);
    expect(second.body.payments[0]!.orderId).toBe(orderIds[0]);
  });

  it('refuse a page token of another list, and hurt no neighbour with it', async () => {
    const { nextPageToken } = (await get('/v1/payments?pageSize=1')).body;
    const [wrong, right] = await Promise.all([
      get(`/v1/payments?orderId=${orderIds[0]}&pageToken=${nextPageToken}`),
      get(`/v1/payments?orderId=${orderIds[0]}`),
    ]);
    expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid-page-token' } });
    expect(right.status).toBe(200);
  });

  it('show a customer only its own payments', async () => {
    const list = new ListPaymentsHandler(database);
    const own = (await ask(list, ListPayments, {}, customerId)) as PaymentPage;
    expect(own.payments.map(({ orderId }) => orderId)).toEqual([...orderIds].reverse());
    expect(await ask(list, ListPayments, { orderId: orderIds[0] }, 'cus_stranger')).toEqual({ payments: [] });
    const { id } = own.payments[0]!;
    const one = new GetPaymentHandler(new PaymentsRepository());
    expect(await ask(one, GetPayment, { id }, customerId)).toMatchObject({ id });
    expect(await ask(one, GetPayment, { id }, 'cus_stranger')).toMatchObject({ code: 'payment-not-found' });
  });
});
