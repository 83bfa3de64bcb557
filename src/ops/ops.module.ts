import { type DynamicModule, Module } from '@nestjs/common';
import { Desks } from './desks.js';
import { GetMessageHandler } from './get-message.js';
import { GetOperationHandler } from './get-operation.js';
import { ListAuditHandler } from './list-audit.js';
import { ListMessagesHandler } from './list-messages.js';
import { OpsAmqpController } from './ops.amqp.controller.js';
import { OpsGrpcController } from './ops.grpc.controller.js';
import { OpsHttpController } from './ops.http.controller.js';
import { OpsOptions } from './ops.options.js';
import { OpsUseCases } from './ops.use-cases.js';

/** The repair desk: stands in every process, for the modules of that process. */
@Module({
  controllers: [OpsHttpController, OpsGrpcController, OpsAmqpController],
  providers: [Desks, OpsUseCases, ListMessagesHandler, GetMessageHandler, GetOperationHandler, ListAuditHandler],
})
export class OpsModule {
  static forRoot(options: OpsOptions): DynamicModule {
    return { module: OpsModule, providers: [{ provide: OpsOptions, useValue: options }] };
  }
}
