import type { Database } from '../../database/database.js';
import type { Tx } from '../../database/transaction.js';
import type { Carrier } from './carrier.js';
import type { Handlers } from '../handlers.js';
import type { Intake } from '../inbox/intake.js';
import type { Message, Outgoing } from '../message.js';
import { tellCarried, type TellSpan } from '../spans.js';
import { onward } from '../trace.js';

/** The other end of the local carrier: one module of this process. */
export interface Subscriber {
  database: Database;
  intake: Intake;
}

/**
 * Carries without a broker. Where sender and hearer share a database the relay's transaction is the intake: once.
 * Where they do not, it takes in, commits, and then the outbox forgets: at least once, like RabbitMQ.
 */
export class LocalCarrier implements Carrier {
  readonly name = 'local';

  constructor(
    private readonly sender: Database,
    private readonly subscribers: ReadonlyMap<string, Subscriber>,
    private readonly handlers: Handlers,
    private readonly tell?: TellSpan,
  ) {}

  ready(): boolean {
    return true;
  }

  open(): void {}

  async close(): Promise<void> {}

  async carry(tx: Tx, rows: Outgoing[], careful: boolean): Promise<boolean[]> {
    const sets = new Map<string, Message[]>();
    for (const row of rows) {
      for (const module of this.hearers(row)) {
        const { id, type, key } = row;
        const message = { id, type, key, body: JSON.parse(row.body) as unknown, trace: onward(row) };
        const set = sets.get(module);
        if (set) set.push(message);
        else sets.set(module, [message]);
      }
    }
    // Always in the same order, so that two relays in one database lock in one order.
    for (const module of [...sets.keys()].sort()) await this.deliver(tx, module, sets.get(module)!, careful);
    tellCarried(tx, rows, this.tell);
    return rows.map(() => true);
  }

  /** Commands go to their module; events to every module that handles them; world copies and replies have no hearer here. */
  private hearers({ route, type }: Outgoing): string[] {
    if (!route.startsWith('internal:')) return [];
    if (route.endsWith('.events')) return this.handlers.listening(type);
    return [route.slice('internal:'.length)];
  }

  private async deliver(tx: Tx, module: string, messages: Message[], careful: boolean): Promise<void> {
    const subscriber = this.subscribers.get(module);
    if (!subscriber) throw new Error(`no module ${module} in this process, and the local carrier reaches no other`);
    const take = (within: Tx) =>
      careful ? subscriber.intake.store(within, messages) : subscriber.intake.handle(within, messages);
    if (subscriber.database === this.sender) await take(tx);
    else await subscriber.database.transaction(take);
  }
}
