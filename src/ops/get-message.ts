import { Injectable } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Id, OneOf, Optional } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { MODULES } from '../config/settings.js';
import { uuidOf } from '../id.js';
import { Desks } from './desks.js';
import type { Message } from './index.js';
import { messageNotFound } from './ops.failures.js';
import { toMessage } from './stored-message.js';

/** Asks for one message with everything that is known of it. */
@Operation({
  name: 'ops.get-message',
  scope: 'ops',
  kind: 'query',
  refuses: ['message-not-found', 'several-modules', 'elsewhere'],
})
export class GetMessage {
  @Id() id!: string;
  @Optional() @OneOf(MODULES) module?: string;
}

/** Shows a message whole, with every attempt; one that was handled meanwhile is gone. */
@Injectable()
export class GetMessageHandler {
  constructor(private readonly desks: Desks) {}

  async answer({ command }: Asked<GetMessage>): Promise<Message> {
    const desk = await this.desks.holding(command);
    const row = await desk.messages.find(uuidOf(command.id));
    if (!row) throw messageNotFound(command.id, [desk.module]);
    return toMessage(desk.module, row);
  }
}
