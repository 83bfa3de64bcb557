import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { newId } from '../id.js';
import { Effects } from '../messaging/effects/effects.js';
import type { Message } from '../messaging/message.js';
import type { Order } from '../orders/index.js';
import { EMAIL } from './email.effect.js';
import { kindOf } from './kind.js';
import { type Draft, NotificationsRepository } from './notifications.repository.js';
import { render } from './templates.js';

/** Writes down what customers are told when their orders end well or otherwise, and sends it once that is committed. */
@Injectable()
export class WriteNotification {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly effects: Effects,
  ) {}

  async handle(tx: Tx, messages: Message<Order>[]): Promise<void> {
    const drafts = messages.map(draft);
    const traces = new Map(drafts.map(({ id }, i) => [id, messages[i]!.trace]));
    const letters = await this.notifications.add(tx, drafts);
    this.effects.start(
      tx,
      EMAIL,
      letters.map((letter) => ({ key: letter.id, body: letter, trace: traces.get(letter.id) })),
    );
  }
}

function draft({ type, body: order }: Message<Order>): Draft {
  const kind = kindOf(type);
  const { id: orderId, customerId, email: to } = order;
  return { id: newId('ntf'), orderId, customerId, kind, to, ...render(kind, order) };
}
