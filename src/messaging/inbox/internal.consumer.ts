import { uuidv7 } from '../../uuid.js';
import { type Database, isConnectionError } from '../../database/database.js';
import type { Broker, Delivery } from '../broker/broker.js';
import type { Courtesy } from '../courtesy.js';
import { unpack } from '../outbox/envelope.js';
import type { Handlers } from '../handlers.js';
import type { Intake } from './intake.js';
import type { Message } from '../message.js';
import type { Peers } from '../peers.js';
import type { Pressure } from './pressure.js';
import type { Strangers } from './strangers.js';
import { type Signature, SIGNATURE_HEADER } from '../outbox/signature.js';
import { queueOf } from '../broker/topology.js';

/** How many AMQP messages (of up to 50 each) may be on their way to us, and how many one transaction takes in. */
const PREFETCH = 100;
const SET = 20;
/** What is more than this in a second is shared with the peers: about 10 orders, which one process does by the way. */
const MUCH = 50;

/** The far end of `sanmon.internal` for one module: one transaction takes in a set, then the broker is answered at once. */
export class InternalConsumer {
  private second = { since: 0, taken: 0 };

  constructor(
    private readonly to: {
      module: string;
      database: Database;
      intake: Intake;
      strangers: Strangers;
      pressure: Pressure;
      peers: Peers;
      courtesy: Courtesy;
    },
    private readonly handlers: Handlers,
    private readonly signature: Signature,
  ) {}

  consumeFrom(broker: Broker): void {
    const options = { prefetch: PREFETCH, set: SET, paused: () => this.to.pressure.ofMessages() };
    broker.consume(queueOf.internal(this.to.module), options, (deliveries) => this.take(deliveries));
  }

  /**
   * We alone take in, in order; under load the peers share the handling: what is stored is anybody's. Handled here when it
   * is quiet or nobody else is there, which costs less.
   */
  private async take(deliveries: Delivery[]): Promise<void> {
    const { database, intake, peers, courtesy } = this.to;
    await courtesy.show();
    const messages: Message[] = [];
    for (const delivery of deliveries) messages.push(...(await this.open(delivery)));
    const store = () => database.transaction((tx) => intake.store(tx, messages));
    // What comes again may have ended the process that had it: stored, it is out of the queue, and its attempts are counted.
    const again = deliveries.some(({ message }) => message.fields.redelivered);
    if (again || (this.isMuch(messages.length) && !peers.alone)) return store();
    try {
      await database.transaction((tx) => intake.handle(tx, messages));
    } catch (error) {
      if (isConnectionError(error)) throw error;
      await store();
    }
  }

  private isMuch(taken: number): boolean {
    const now = performance.now();
    if (now - this.second.since >= 1_000) this.second = { since: now, taken: 0 };
    return (this.second.taken += taken) > MUCH;
  }

  /** The messages of one envelope that are for us. What is not signed by us, or is no envelope, is parked. */
  private async open({ message }: Delivery): Promise<Message[]> {
    const { content, fields, properties } = message;
    if (!this.signature.holds(fields.routingKey, content, properties.headers?.[SIGNATURE_HEADER])) {
      await this.park(message, 'unsigned', 'The message is not signed with our MESSAGE_SECRET.');
      return [];
    }
    try {
      return unpack(content).filter((m) => this.handlers.concerns(this.to.module, m.type));
    } catch (error) {
      await this.park(message, 'undecodable', (error as Error).message);
      return [];
    }
  }

  private park({ content, fields, properties }: Delivery['message'], code: string, reason: string): Promise<void> {
    const unsigned = code === 'unsigned';
    const stranger = {
      id: uuidv7(),
      type: fields.routingKey,
      principal: unsigned ? 'unsigned' : 'internal',
      code,
      reason,
      content,
      headers: { ...properties.headers, messageId: properties.messageId as string | undefined },
    };
    // What we signed is ours, so all of it is kept.
    return this.to.database.transaction((tx) =>
      unsigned ? this.to.strangers.refuse(tx, [stranger]) : this.to.strangers.keep(tx, 'parked', [stranger]),
    );
  }
}
