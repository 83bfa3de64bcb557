import { Inject, Injectable } from '@nestjs/common';
import type { Answer } from '../gates/asked.js';
import { Desks } from './desks.js';
import { GetMessageHandler } from './get-message.js';
import { GetOperationHandler } from './get-operation.js';
import { ListAuditHandler } from './list-audit.js';
import { ListMessagesHandler } from './list-messages.js';

/** Everything the repair desk can be asked, by name; acts go to the desk of the module that has the message. */
@Injectable()
export class OpsUseCases {
  @Inject() readonly desks!: Desks;
  @Inject() readonly listMessages!: ListMessagesHandler;
  @Inject() readonly getMessage!: GetMessageHandler;
  @Inject() readonly getOperation!: GetOperationHandler;
  @Inject() readonly listAudit!: ListAuditHandler;
}

/** What a question over all modules came to. Asked by people and not by thousands, so it is not gathered into sets. */
export const answered = async <R>(result: Promise<R>): Promise<Answer<R>> => ({
  outcome: await result,
  replayed: false,
});
