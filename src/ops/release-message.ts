import type { Tx } from '../database/transaction.js';
import type { Asked } from '../gates/asked.js';
import { Id, OneOf, Optional } from '../gates/fields.js';
import { Operation } from '../gates/operation.js';
import { MODULES } from '../config/settings.js';
import type { Done } from './acts.js';
import { RESTART_REFUSALS } from './ops.failures.js';
import { Repair } from './repair.js';
import { released } from './restarts.js';
import type { StoredMessage } from './stored-message.js';
import type { Restart } from './stored-messages.js';

/** Asks that a message that failed be tried again at once, in its place. */
@Operation({
  name: 'ops.release-message',
  scope: 'ops',
  kind: 'command',
  refuses: [...RESTART_REFUSALS, 'needs-replacement'],
})
export class ReleaseMessage {
  @Id() id!: string;
  @Optional() @OneOf(MODULES) module?: string;
}

/** Puts messages back under the ids they have: what was already handled is known by them and stays handled. */
export class ReleaseMessageHandler extends Repair<ReleaseMessage> {
  protected judge({ by }: Asked<ReleaseMessage>, row: StoredMessage): Restart {
    return released(row, by);
  }

  protected change(tx: Tx, restarts: Restart[]): Promise<Map<string, StoredMessage>> {
    return this.bench.messages.restart(tx, restarts);
  }

  protected told({ by }: Asked<ReleaseMessage>, row: StoredMessage): Done {
    return { by: by.name, act: 'RELEASE', row };
  }
}
