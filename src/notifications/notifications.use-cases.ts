import { Inject, Injectable } from '@nestjs/common';
import { ListNotificationsHandler } from './list-notifications.js';

/** Everything notifications can be asked, by name. */
@Injectable()
export class NotificationsUseCases {
  @Inject() readonly listNotifications!: ListNotificationsHandler;
}
