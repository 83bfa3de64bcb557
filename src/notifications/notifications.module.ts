import { type DynamicModule, Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { Channel } from './channels/channel.js';
import { EmailEffect } from './email.effect.js';
import { ListNotificationsHandler } from './list-notifications.js';
import { NotificationsAmqpController } from './notifications.amqp.controller.js';
import { NotificationsGrpcController } from './notifications.grpc.controller.js';
import { NotificationsHttpController } from './notifications.http.controller.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsUseCases } from './notifications.use-cases.js';
import { WriteNotification } from './write-notification.js';

/** The notifications module; it is told the channel its mails go through, and closes it. */
@Module({
  imports: [MessagingModule.for('notifications'), GatesModule.for('notifications')],
  controllers: [NotificationsHttpController, NotificationsGrpcController, NotificationsAmqpController],
  providers: [NotificationsRepository, NotificationsUseCases, ListNotificationsHandler, WriteNotification, EmailEffect],
})
export class NotificationsModule {
  static forRoot({ channel }: { channel: Channel }): DynamicModule {
    return { module: NotificationsModule, providers: [{ provide: Channel, useValue: channel }] };
  }
}
