import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { about } from '../messaging/about.js';
import type { Effect, EffectKind, Said } from '../messaging/effects/effect.js';
import { Effects } from '../messaging/effects/effects.js';
import { Channel, type Letter } from './channels/channel.js';
import type { NotificationState } from './index.js';
import { NotificationsRepository } from './notifications.repository.js';

/** The kind of these effects; the key of each is the id of its notification. */
export const EMAIL = 'email';

/** Tried again after so many seconds, then every 30 s, for a day. */
const RETRY_SECONDS = [1, 2, 5, 10];
const LATER_SECONDS = 30;
const GIVE_UP_MS = 86_400_000;

/** Hands mails to the channel until it takes them, refuses them, or a day has passed. */
@Injectable()
export class EmailEffect implements EffectKind<Letter, NotificationState>, OnModuleInit, OnApplicationShutdown {
  readonly kind = EMAIL;
  readonly concurrency = 32;
  readonly timeoutMs = 15_000;
  private readonly logger = new Logger('Mail');

  constructor(
    private readonly channel: Channel,
    private readonly effects: Effects,
    private readonly notifications: NotificationsRepository,
  ) {}

  onModuleInit(): void {
    this.effects.register(this);
  }

  /** Runs after the message path has closed, so nothing is under way any more. */
  onApplicationShutdown(): void {
    this.channel.close();
  }

  async attempt({ body, key, trace, attempts, ageMs }: Effect<Letter>): Promise<Said<NotificationState>> {
    const delivery = await this.channel.send(body);
    if ('taken' in delivery) return { done: 'SENT' };
    if ('trouble' in delivery && ageMs < GIVE_UP_MS) return { again: oneLine(delivery.trouble) };
    const why = 'refused' in delivery ? delivery.refused : delivery.trouble;
    this.logger.warn(
      `${body.id} is not delivered, given up after ${attempts + 1} attempts: ${oneLine(why)}`,
      about({ key, trace }),
    );
    return { done: 'FAILED' };
  }

  async settle(tx: Tx, settled: { effect: Effect<Letter>; result: NotificationState }[]): Promise<void> {
    this.notifications.end(
      tx,
      settled.map(({ effect, result }) => ({ id: effect.key, state: result, attempts: effect.attempts + 1 })),
    );
  }

  delay({ attempts }: Effect<Letter>): number {
    return (RETRY_SECONDS[attempts] ?? LATER_SECONDS) * 1_000;
  }
}

/** What a server said, fit for a log: it may be long and of many lines. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').slice(0, 300);
