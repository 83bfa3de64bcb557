import type { Tx } from '../database/transaction.js';
import type { Asked } from '../gates/asked.js';
import { AnyObject, Id, OneOf, Optional } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { MODULES } from '../config/settings.js';
import type { Done } from './acts.js';
import { RESTART_REFUSALS } from './ops.failures.js';
import { Repair } from './repair.js';
import { replaced } from './restarts.js';
import { type StoredMessage, toMessage } from './stored-message.js';
import type { Restart } from './stored-messages.js';

/** Gives a message that failed another payload, and has it tried again at once. */
@Operation({
  name: 'ops.replace-message',
  scope: 'ops',
  kind: 'command',
  refuses: RESTART_REFUSALS,
})
export class ReplaceMessage {
  @Id() id!: string;
  @Optional() @OneOf(MODULES) module?: string;
  @AnyObject() payload!: object;
}

/** Replaces payloads by the rules of the message's class; the audit keeps the message as it was. */
export class ReplaceMessageHandler extends Repair<ReplaceMessage> {
  protected judge({ command, by }: Asked<ReplaceMessage>, row: StoredMessage): Restart {
    return replaced(row, command.payload, by);
  }

  protected change(tx: Tx, restarts: Restart[]): Promise<Map<string, StoredMessage>> {
    return this.bench.messages.restart(tx, restarts);
  }

  protected told({ by }: Asked<ReplaceMessage>, row: StoredMessage): Done {
    return { by: by.name, act: 'REPLACE', row, original: toMessage(this.bench.module, row) };
  }
}
