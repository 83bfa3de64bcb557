import { Controller, Get, Post } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Replies } from '../gates/http/replies.js';
import { Input } from '../gates/input.decorator.js';
import { DiscardMessage } from './discard-message.js';
import { GetMessage } from './get-message.js';
import { GetOperation } from './get-operation.js';
import { ListAudit } from './list-audit.js';
import { ListMessages } from './list-messages.js';
import { OpsUseCases } from './ops.use-cases.js';
import { ReleaseMessage } from './release-message.js';
import { type Begun, ReleaseMessages } from './release-messages.js';
import { ReplaceMessage } from './replace-message.js';

/** The repair desk over REST. */
@Controller('v1/ops')
export class OpsHttpController {
  constructor(private readonly on: OpsUseCases) {}

  @Get('messages')
  list(@Input(ListMessages) asked: Asked<ListMessages>) {
    return this.on.ask(asked, this.on.listMessages);
  }

  @Get('messages/:id')
  get(@Input(GetMessage) asked: Asked<GetMessage>) {
    return this.on.ask(asked, this.on.getMessage);
  }

  @Post('messages/release')
  @Replies<Begun>({ status: 202, location: ({ operation }) => `/v1/ops/operations/${operation.id}` })
  releaseMany(@Input(ReleaseMessages) asked: Asked<ReleaseMessages>) {
    return this.on.begin(asked);
  }

  @Post('messages/:id/release')
  @Replies({ status: 202 })
  release(@Input(ReleaseMessage) asked: Asked<ReleaseMessage>) {
    return this.on.act(asked, (desk) => desk.releaseMessage);
  }

  @Post('messages/:id/replacement')
  @Replies({ status: 202 })
  replace(@Input(ReplaceMessage) asked: Asked<ReplaceMessage>) {
    return this.on.act(asked, (desk) => desk.replaceMessage);
  }

  @Post('messages/:id/discard')
  @Replies({ status: 200 })
  discard(@Input(DiscardMessage) asked: Asked<DiscardMessage>) {
    return this.on.act(asked, (desk) => desk.discardMessage);
  }

  @Get('operations/:id')
  operation(@Input(GetOperation) asked: Asked<GetOperation>) {
    return this.on.ask(asked, this.on.getOperation);
  }

  @Get('audit')
  audit(@Input(ListAudit) asked: Asked<ListAudit>) {
    return this.on.ask(asked, this.on.listAudit);
  }
}
