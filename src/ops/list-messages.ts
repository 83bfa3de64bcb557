import { Injectable } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { OneOf, Optional, PageSize, PageToken, Text } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { decodePage, encodePage } from '../gates/page.js';
import { MODULES } from '../config/settings.js';
import { Desks } from './desks.js';
import { type Message, MESSAGE_STATES, type MessageState } from './index.js';
import { invalidPage } from './ops.failures.js';
import { storedStates, toMessage } from './stored-message.js';

/** Asks for the messages of this process's inboxes. */
@Operation({ name: 'ops.list-messages', scope: 'ops', kind: 'query', refuses: ['elsewhere'] })
export class ListMessages {
  @Optional() @OneOf(MESSAGE_STATES) state?: MessageState;
  @Optional() @OneOf(MODULES) module?: string;
  @Optional() @Text(200) type?: string;
  @Optional() @Text(255) key?: string;
  @Optional() @PageSize() pageSize?: number;
  @Optional() @PageToken() pageToken?: string;
}

export interface MessagePage {
  messages: Message[];
  /** Absent on the last page. */
  nextPageToken?: string;
}

const PAGE = 50;

/** Lists module by module, the oldest first: a module that is full does not hide another one's place in the list. */
@Injectable()
export class ListMessagesHandler {
  constructor(private readonly desks: Desks) {}

  async answer({ command }: Asked<ListMessages>): Promise<MessagePage> {
    const size = command.pageSize ?? PAGE;
    const [from, seq] = positionOf(command);
    const narrowing = { states: storedStates(command.state), type: command.type, key: command.key };
    const found: { message: Message; seq: string }[] = [];
    for (const desk of this.desks.of(command.module)) {
      if (desk.module < from || found.length > size) continue;
      const rows = await desk.messages.page(narrowing, desk.module === from ? seq : '0', size + 1 - found.length);
      found.push(...rows.map((row) => ({ message: toMessage(desk.module, row), seq: row.seq })));
    }
    const messages = found.slice(0, size).map(({ message }) => message);
    if (found.length <= size) return { messages };
    const last = found[size - 1]!;
    return { messages, nextPageToken: encodePage(command, [last.message.module, last.seq]) };
  }
}

/** The module and the place in it after which the page begins. */
function positionOf(command: ListMessages): [module: string, seq: string] {
  const [module = '', seq = '0'] = decodePage(command, command.pageToken) ?? [];
  if (!/^\d{1,18}$/.test(seq)) throw invalidPage();
  return [module, seq];
}
