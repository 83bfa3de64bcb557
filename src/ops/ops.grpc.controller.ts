import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Asked } from '../gates/asked.js';
import { GrpcReplies } from '../gates/grpc/replies.js';
import { Input } from '../gates/input.decorator.js';
import { DiscardMessage } from './discard-message.js';
import { GetMessage } from './get-message.js';
import { GetOperation } from './get-operation.js';
import { ListAudit } from './list-audit.js';
import { ListMessages } from './list-messages.js';
import { OpsUseCases } from './ops.use-cases.js';
import { ReleaseMessage } from './release-message.js';
import { ReleaseMessages } from './release-messages.js';
import { ReplaceMessage } from './replace-message.js';

/** The repair desk over gRPC. */
@Controller()
@UseInterceptors(GrpcReplies)
export class OpsGrpcController {
  constructor(private readonly on: OpsUseCases) {}

  @GrpcMethod('MessagesService', 'ListMessages')
  list(@Input(ListMessages) asked: Asked<ListMessages>) {
    return this.on.ask(asked, this.on.listMessages);
  }

  @GrpcMethod('MessagesService', 'GetMessage')
  get(@Input(GetMessage) asked: Asked<GetMessage>) {
    return this.on.ask(asked, this.on.getMessage);
  }

  @GrpcMethod('MessagesService', 'ReleaseMessages')
  releaseMany(@Input(ReleaseMessages) asked: Asked<ReleaseMessages>) {
    return this.on.begin(asked);
  }

  @GrpcMethod('MessagesService', 'ReleaseMessage')
  release(@Input(ReleaseMessage) asked: Asked<ReleaseMessage>) {
    return this.on.act(asked, (desk) => desk.releaseMessage);
  }

  @GrpcMethod('MessagesService', 'ReplaceMessage')
  replace(@Input(ReplaceMessage) asked: Asked<ReplaceMessage>) {
    return this.on.act(asked, (desk) => desk.replaceMessage);
  }

  @GrpcMethod('MessagesService', 'DiscardMessage')
  discard(@Input(DiscardMessage) asked: Asked<DiscardMessage>) {
    return this.on.act(asked, (desk) => desk.discardMessage);
  }

  @GrpcMethod('MessagesService', 'GetOperation')
  operation(@Input(GetOperation) asked: Asked<GetOperation>) {
    return this.on.ask(asked, this.on.getOperation);
  }

  @GrpcMethod('MessagesService', 'ListAudit')
  audit(@Input(ListAudit) asked: Asked<ListAudit>) {
    return this.on.ask(asked, this.on.listAudit);
  }
}
