import type { Tx } from '../database/transaction.js';
import type { Asked } from '../gates/asked.js';
import { Id, OneOf, Optional, Text } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { MODULES } from '../config/settings.js';
import type { Done } from './acts.js';
import { alreadyAnswered, REPAIR_REFUSALS } from './ops.failures.js';
import { Repair } from './repair.js';
import { nameOf, type StoredMessage, toMessage } from './stored-message.js';
import type { Restart } from './stored-messages.js';

/** Takes a message out of the way for ever. */
@Operation({
  name: 'ops.discard-message',
  scope: 'ops',
  kind: 'command',
  refuses: REPAIR_REFUSALS,
})
export class DiscardMessage {
  @Id() id!: string;
  @Optional() @OneOf(MODULES) module?: string;
  @Text(500) reason!: string;
}

/** Removes messages whatever they wait for; the audit keeps them, and what stood behind them goes on. */
export class DiscardMessageHandler extends Repair<DiscardMessage> {
  protected judge(_call: Asked<DiscardMessage>, row: StoredMessage): Restart {
    // Nothing waits for it, and the record of an answer is not an operator's to remove.
    if (row.state === 'refused') throw alreadyAnswered(nameOf(row));
    return { row };
  }

  protected async change(tx: Tx, restarts: Restart[]): Promise<Map<string, StoredMessage>> {
    await this.bench.messages.remove(
      tx,
      restarts.map(({ row }) => row),
    );
    return new Map();
  }

  protected told({ by, command }: Asked<DiscardMessage>, row: StoredMessage): Done {
    const original = toMessage(this.bench.module, row);
    return { by: by.name, act: 'DISCARD', row, reason: command.reason, original };
  }
}
