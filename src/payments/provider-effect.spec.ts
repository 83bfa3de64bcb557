import { Logger } from '@nestjs/common';
import type { Effect, EffectKind } from '../messaging/effects/effect.js';
import type { PaymentStory } from './payment-story.js';
import { PaymentEffects } from './payment-effects.js';
import type { Ask, Result } from './provider-effect.js';
import type { Answer, Found, PaymentProvider } from './providers/provider.js';

const DEADLINE_MS = 120_000;
const unknown: Answer = { outcome: 'unknown', why: 'timeout' };
const ok: Answer = { outcome: 'ok', reference: 'auth_1' };
const refused = (reason: Extract<Answer, { outcome: 'refused' }>['reason']): Answer => ({ outcome: 'refused', reason });

type Kind = EffectKind<Ask<{ key: string }>, Result>;

/** A provider that answers as told and remembers what it was asked. */
function provider(answers: { call?: Answer; find?: Found }) {
  const asked: string[] = [];
  const book = (name: string) => (call: { key: string }) => {
    asked.push(`${name} ${call.key}`);
    return Promise.resolve(answers.call ?? unknown);
  };
  const find = (key: string) => {
    asked.push(`find ${key}`);
    return Promise.resolve(answers.find ?? { booked: false as const });
  };
  const names = { authorise: book('authorise'), capture: book('capture'), void: book('void'), refund: book('refund') };
  return { asked, provider: { name: 'fake', ...names, find } as PaymentProvider };
}

/** One attempt of a kind. */
async function attempt(name: string, answers: { call?: Answer; find?: Found }, effect: Partial<Effect<unknown>> = {}) {
  const { asked, provider: fake } = provider(answers);
  const kinds = new Map<string, Kind>();
  const effects = { register: (kind: Kind) => kinds.set(kind.kind.replace('payment-', ''), kind) };
  new PaymentEffects(effects as never, {} as PaymentStory, { provider: fake, deadlineMs: DEADLINE_MS }).onModuleInit();
  const kind = kinds.get(name)!;
  const asking = {
    id: '1',
    key: 'ord_1',
    token: 1,
    attempts: 0,
    ageMs: 0,
    body: { call: { key: 'pay_1:x' } },
    ...effect,
  };
  const said = await kind.attempt(asking as never);
  return { asked, said, delay: kind.delay(asking as never), kind };
}

const KINDS = ['authorise', 'capture', 'void', 'refund'];

describe('A call to the provider', () => {
  let alarm: jest.SpyInstance;
  beforeEach(() => (alarm = jest.spyOn(Logger.prototype, 'error').mockReturnValue()));
  afterEach(() => alarm.mockRestore());

  describe.each(KINDS)('%s', (name) => {
    it('is made at once the first time', async () => {
      const { asked, said } = await attempt(name, { call: ok });
      expect(asked).toEqual([`${name} pay_1:x`]);
      expect(said).toEqual({ done: { type: 'effect ok', reference: 'auth_1' } });
    });

    it('is asked for by its key first when it may be booked already, and made again with the same key when it is not', async () => {
      const { asked, said } = await attempt(name, { call: unknown }, { attempts: 1 });
      expect(asked).toEqual(['find pay_1:x', `${name} pay_1:x`]);
      expect(said).toEqual({ again: 'timeout' });
    });

    it('is asked for by its key first after a crash in the first attempt', async () => {
      const { asked } = await attempt(name, { find: { booked: true, answer: ok } }, { token: 2 });
      expect(asked).toEqual(['find pay_1:x']);
    });

    it('is settled by what the look-up finds', async () => {
      const { asked, said } = await attempt(name, { find: { booked: true, answer: ok } }, { attempts: 3 });
      expect(asked).toEqual(['find pay_1:x']);
      expect(said).toEqual({ done: { type: 'effect ok', reference: 'auth_1' } });
    });

    it('is not made while the look-up is unknown itself', async () => {
      const find = { booked: 'unknown', why: 'status 502' } as const;
      const { asked, said } = await attempt(name, { find }, { attempts: 3, ageMs: 10 * DEADLINE_MS });
      expect(asked).toEqual(['find pay_1:x']);
      expect(said).toEqual({ again: 'status 502' });
    });

    it('is tried again after 1, 2, 5, 10, 30 s and then every 30 s', async () => {
      const delays = [];
      for (let attempts = 0; attempts < 7; attempts++) delays.push((await attempt(name, {}, { attempts })).delay);
      expect(delays).toEqual([1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000]);
    });

    it('raises an alarm when it is unknown for five minutes', async () => {
      const find = { booked: 'unknown', why: 'status 502' } as const;
      await attempt(name, { find }, { attempts: 12, ageMs: 299_999 });
      expect(alarm).not.toHaveBeenCalled();
      await attempt(name, { find }, { attempts: 12, ageMs: 300_000 });
      expect(alarm).toHaveBeenCalledWith(
        expect.stringContaining('pay_1:x is unknown for 5 minutes: status 502'),
        expect.objectContaining({ key: expect.any(String) as string }),
      );
    });
  });

  it('is given up only when it authorises, is proven not to be booked, and its deadline is over', async () => {
    const late = { attempts: 5, ageMs: DEADLINE_MS };
    const { asked, said } = await attempt('authorise', {}, late);
    expect(asked).toEqual(['find pay_1:x']);
    expect(said).toEqual({ done: { type: 'effect refused', reason: 'payment-unavailable' } });
    for (const name of KINDS.slice(1)) expect((await attempt(name, {}, late)).said).toEqual({ again: 'timeout' });
    expect((await attempt('authorise', {}, { ...late, ageMs: DEADLINE_MS - 1 })).said).toEqual({ again: 'timeout' });
  });

  it('is made once even if its deadline passed while it waited for its first attempt', async () => {
    const { asked } = await attempt('authorise', {}, { token: 2, ageMs: DEADLINE_MS });
    expect(asked).toEqual(['find pay_1:x', 'authorise pay_1:x']);
  });

  it('is tried again no later than at its deadline, and after it as always', async () => {
    const delay = async (ageMs: number) => (await attempt('authorise', {}, { attempts: 9, ageMs })).delay;
    expect([await delay(100_000), await delay(119_500), await delay(DEADLINE_MS)]).toEqual([15_000, 1_000, 30_000]);
  });

  it('tells the customer why an authorisation was refused, and calls every other reason declined', async () => {
    const reason = async (call: Answer) => ((await attempt('authorise', { call })).said as { done: Result }).done;
    expect(await reason(refused('insufficient-funds'))).toMatchObject({ reason: 'insufficient-funds' });
    expect(alarm).not.toHaveBeenCalled();
    expect(await reason(refused('idempotency-key-reused'))).toMatchObject({ reason: 'payment-declined' });
    expect(alarm).toHaveBeenCalledWith('pay_1:x was refused: idempotency-key-reused', expect.anything());
  });

  it('calls every refusal of a capture capture-failed', async () => {
    const { said } = await attempt('capture', { call: refused('already-voided') });
    expect(said).toEqual({ done: { type: 'effect refused', reason: 'capture-failed' } });
  });

  it('goes on voiding, with an alarm, when the refusal tells nothing about the money', async () => {
    const { said } = await attempt('void', { call: refused('idempotency-key-reused') });
    expect(said).toEqual({ again: 'idempotency-key-reused' });
    expect(alarm).toHaveBeenCalled();
    expect((await attempt('void', { call: refused('already-captured') })).said).toMatchObject({
      done: { reason: 'already-captured' },
    });
  });

  it('waits before a refund that was refused is asked for again, and then does it at once', async () => {
    const body = { call: { key: 'pay_1:refund:2' }, afterMs: 30_000 };
    const first = await attempt('refund', { call: ok }, { body });
    expect(first).toMatchObject({ asked: [], said: { again: 'refused before' }, delay: 30_000 });
    const second = await attempt('refund', { call: ok }, { body, attempts: 1 });
    expect(second.asked).toEqual(['find pay_1:refund:2', 'refund pay_1:refund:2']);
  });
});
