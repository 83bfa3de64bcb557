import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { Id, Optional, PageSize, PageToken } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import type { Notification } from './index.js';
import { NotificationsRepository, type PageOf } from './notifications.repository.js';

/** Asks what people were told, newest first. */
@Operation({ name: 'notifications.list', scope: 'notifications:read', kind: 'query' })
export class ListNotifications {
  @Optional() @Id() orderId?: string;
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

export interface NotificationPage {
  notifications: Notification[];
  /** Absent on the last page. */
  nextPageToken?: string;
}

const PAGE = 50;

/** A customer sees its own only; of others' orders there is nothing. */
@Injectable()
export class ListNotificationsHandler implements UseCase<ListNotifications, NotificationPage> {
  constructor(private readonly notifications: NotificationsRepository) {}

  async handle(tx: Tx, asked: Asked<ListNotifications>[]): Promise<Outcome<NotificationPage>[]> {
    const pages = asked.map(pageAsked);
    const found = await this.notifications.pages(
      tx,
      // One more than is shown: it tells whether there is a next page.
      pages.flatMap((page) => (page instanceof Failure ? [] : { ...page, size: page.size + 1 })),
    );
    return pages.map((page, i) => (page instanceof Failure ? page : shown(asked[i]!.command, page, found.shift()!)));
  }
}

function pageAsked({ command, by }: Asked<ListNotifications>): PageOf | Failure {
  try {
    const before = decodePage(command, command.pageToken)?.[0];
    return { orderId: command.orderId, customerId: by.customerId, before, size: command.pageSize ?? PAGE };
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

function shown(command: ListNotifications, { size }: PageOf, found: Notification[]): NotificationPage {
  const notifications = found.slice(0, size);
  if (found.length <= size) return { notifications };
  return { notifications, nextPageToken: encodePage(command, [notifications.at(-1)!.id]) };
}
