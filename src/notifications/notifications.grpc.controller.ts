import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { GrpcReplies } from '../gates/grpc/replies.js';
import { Input } from '../gates/input.decorator.js';
import { ListNotifications } from './list-notifications.js';
import { NotificationsUseCases } from './notifications.use-cases.js';

/** Notifications over gRPC. */
@Controller()
@UseInterceptors(GrpcReplies)
export class NotificationsGrpcController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: NotificationsUseCases,
  ) {}

  @GrpcMethod('NotificationsService', 'ListNotifications')
  list(@Input(ListNotifications) asked: Asked<ListNotifications>) {
    return this.gatherer.gather(this.on.listNotifications, asked);
  }
}
