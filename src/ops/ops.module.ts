import { Module } from '@nestjs/common';
import { Desks } from './desks.js';
import { GetMessageHandler } from './get-message.js';
import { GetOperationHandler } from './get-operation.js';
import { ListAuditHandler } from './list-audit.js';
import { ListMessagesHandler } from './list-messages.js';
import { OpsGrpcController } from './ops.grpc.controller.js';
import { OpsHttpController } from './ops.http.controller.js';
import { OpsUseCases } from './ops.use-cases.js';

/** The repair desk: stands in every process, for the modules of that process. */
@Module({
  controllers: [OpsHttpController, OpsGrpcController],
  providers: [Desks, OpsUseCases, ListMessagesHandler, GetMessageHandler, GetOperationHandler, ListAuditHandler],
})
export class OpsModule {}
