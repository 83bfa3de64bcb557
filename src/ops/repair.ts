import type { Tx } from '../database/transaction.js';
import { Failure } from '../failure.js';
import type { Asked, Outcome, UseCase } from '../gates/asked.js';
import { asFailure } from '../gates/failures.js';
import { uuidOf } from '../id.js';
import type { Acts, Done } from './acts.js';
import type { Message } from './index.js';
import { inRepair, messageNotFound } from './ops.failures.js';
import { type StoredMessage, toMessage } from './stored-message.js';
import type { Restart, StoredMessages } from './stored-messages.js';

/** What names one message; the module only where several hold a copy of one event. */
export interface OfMessage {
  id: string;
  module?: string;
}

/** What a repair works on: the inbox and the audit of one module. */
export interface Bench {
  readonly module: string;
  readonly messages: StoredMessages;
  readonly acts: Acts;
}

/** One kind of act on single messages of one module: found, locked, judged one by one, changed as a set, written down. */
export abstract class Repair<C extends OfMessage> implements UseCase<C, Message> {
  constructor(protected readonly bench: Bench) {}

  /** What is to be done with this message; throws the Failure that forbids it. */
  protected abstract judge(call: Asked<C>, row: StoredMessage): Restart;
  /** Does it, and answers the messages as they are then. */
  protected abstract change(tx: Tx, restarts: Restart[]): Promise<Map<string, StoredMessage>>;
  /** What the audit says of it. */
  protected abstract told(call: Asked<C>, row: StoredMessage): Done;

  async handle(tx: Tx, asked: Asked<C>[]): Promise<Outcome<Message>[]> {
    const ids = asked.map(({ command }) => uuidOf(command.id));
    const rows = await this.bench.messages.hold(tx, ids);
    const judged = asked.map((call, i) =>
      // Of two acts on one message in one set the first is done; the second was asked for without knowing of it.
      ids.indexOf(ids[i]!) < i ? inRepair(call.command.id) : this.judged(call, rows.get(ids[i]!)),
    );
    const changed = await this.change(
      tx,
      judged.flatMap((one) => (one instanceof Failure ? [] : one)),
    );
    await this.bench.acts.record(
      tx,
      judged.flatMap((one, i) => (one instanceof Failure ? [] : this.told(asked[i]!, one.row))),
    );
    return judged.map((one) =>
      one instanceof Failure ? one : toMessage(this.bench.module, changed.get(one.row.id) ?? one.row),
    );
  }

  private judged(call: Asked<C>, row?: StoredMessage): Restart | Failure {
    if (!row) return messageNotFound(call.command.id, [this.bench.module]);
    try {
      return this.judge(call, row);
    } catch (error) {
      return asFailure(error);
    }
  }
}
