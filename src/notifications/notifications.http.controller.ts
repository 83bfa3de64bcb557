import { Controller, Get } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { Input } from '../gates/input.decorator.js';
import { ListNotifications } from './list-notifications.js';
import { NotificationsUseCases } from './notifications.use-cases.js';

/** Notifications over REST. */
@Controller('v1/notifications')
export class NotificationsHttpController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: NotificationsUseCases,
  ) {}

  @Get()
  list(@Input(ListNotifications) asked: Asked<ListNotifications>) {
    return this.gatherer.gather(this.on.listNotifications, asked);
  }
}
