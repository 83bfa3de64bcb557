import { Logger } from '@nestjs/common';
import type { Effect } from '../messaging/effects/effect.js';
import type { Effects } from '../messaging/effects/effects.js';
import type { Channel, Delivery, Letter } from './channels/channel.js';
import { EmailEffect } from './email.effect.js';
import type { NotificationsRepository } from './notifications.repository.js';

const letter: Letter = {
  id: 'ntf_1',
  to: 'a@example.com',
  subject: 's',
  text: 't',
  html: 'h',
  at: '2026-01-01T00:00:00.000Z',
};

const effect = (attempts = 0, ageMs = 0): Effect<Letter> => ({
  id: '1',
  key: letter.id,
  body: letter,
  token: 1,
  attempts,
  ageMs,
});

const answering = (delivery: Delivery): EmailEffect =>
  new EmailEffect(
    { send: async () => delivery, close: () => undefined } satisfies Channel,
    {} as Effects,
    {} as NotificationsRepository,
  );

const DAY_MS = 86_400_000;

describe('an e-mail on its way', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('is SENT when the channel took it, and FAILED at once when it was refused for ever', async () => {
    expect(await answering({ taken: true }).attempt(effect())).toEqual({ done: 'SENT' });
    expect(await answering({ refused: '550 no such user' }).attempt(effect())).toEqual({ done: 'FAILED' });
  });

  it('is tried again after trouble for a day, then FAILED', async () => {
    const troubled = answering({ trouble: '451 later\r\nplease' });
    expect(await troubled.attempt(effect())).toEqual({ again: '451 later please' });
    expect(await troubled.attempt(effect(2_000, DAY_MS - 1))).toEqual({ again: '451 later please' });
    expect(await troubled.attempt(effect(2_880, DAY_MS))).toEqual({ done: 'FAILED' });
  });

  it('is SENT however late it is taken', async () => {
    expect(await answering({ taken: true }).attempt(effect(9_999, 2 * DAY_MS))).toEqual({ done: 'SENT' });
  });

  it('waits 1, 2, 5, 10, 30 s between the tries, then always 30 s', () => {
    const email = answering({ taken: true });
    expect([0, 1, 2, 3, 4, 5, 2_000].map((attempts) => email.delay(effect(attempts)))).toEqual([
      1_000, 2_000, 5_000, 10_000, 30_000, 30_000, 30_000,
    ]);
  });
});
