import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Answer, Asked, UseCase } from '../gates/asked.js';
import { CallSpans } from '../gates/call-spans.js';
import type { Desk } from './desk.js';
import { Desks } from './desks.js';
import { GetMessageHandler } from './get-message.js';
import { GetOperationHandler } from './get-operation.js';
import type { Message } from './index.js';
import { ListAuditHandler } from './list-audit.js';
import { ListMessagesHandler } from './list-messages.js';
import type { ReleaseMessages } from './release-messages.js';
import type { OfMessage } from './repair.js';

/** Everything the repair desk can be asked, by name; acts go to the desk of the module that has the message. */
@Injectable()
export class OpsUseCases {
  @Inject() readonly listMessages!: ListMessagesHandler;
  @Inject() readonly getMessage!: GetMessageHandler;
  @Inject() readonly getOperation!: GetOperationHandler;
  @Inject() readonly listAudit!: ListAuditHandler;
  @Inject() private readonly desks!: Desks;
  @Optional() @Inject(CallSpans) private readonly spans?: CallSpans;

  /** Asks over all modules. People do, and not thousands, so it is not gathered into sets. */
  ask<C extends object, R>(asked: Asked<C>, of: { answer(asked: Asked<C>): Promise<R> }): Promise<Answer<R>> {
    return this.told(
      asked,
      of.answer(asked).then((outcome) => ({ outcome, replayed: false })),
    );
  }

  /** Acts on one message, where it is. */
  act<C extends OfMessage>(asked: Asked<C>, useCase: (desk: Desk) => UseCase<C, Message>): Promise<Answer<Message>> {
    return this.told(asked, this.desks.act(asked, useCase));
  }

  /** Begins a release of many messages. */
  begin(asked: Asked<ReleaseMessages>): Promise<Answer<unknown>> {
    return this.told(asked, this.desks.begin(asked));
  }

  /** Its span is told here, because finding the desk belongs to it. */
  private told<R>(asked: Asked<object>, answer: Promise<Answer<R>>): Promise<Answer<R>> {
    this.spans?.follow(asked, answer);
    return answer;
  }
}
