import { v7 } from 'uuid';
import { type Database, isConnectionError } from '../database/database.js';
import type { Broker, Delivery } from './broker.js';
import { unpack } from './envelope.js';
import type { Handlers } from './handlers.js';
import type { Intake } from './intake.js';
import type { Message } from './message.js';
import type { Pressure } from './pressure.js';
import type { Strangers } from './strangers.js';
import { type Signature, SIGNATURE_HEADER } from './signature.js';
import { queueOf } from './topology.js';

/** How many AMQP messages (of up to 50 each) may be on their way to us, and how many one transaction takes in. */
const PREFETCH = 100;
const SET = 20;

/** The far end of `sanmon.internal` for one module: one transaction takes in a set, then the broker is answered at once. */
export class InternalConsumer {
  constructor(
    private readonly to: {
      module: string;
      database: Database;
      intake: Intake;
      strangers: Strangers;
      pressure: Pressure;
    },
    private readonly handlers: Handlers,
    private readonly signature: Signature,
  ) {}

  consumeFrom(broker: Broker): void {
    const options = { prefetch: PREFETCH, set: SET, paused: () => this.to.pressure.ofMessages() };
    broker.consume(queueOf.internal(this.to.module), options, (deliveries) => this.take(deliveries));
  }

  private async take(deliveries: Delivery[]): Promise<void> {
    const messages: Message[] = [];
    for (const delivery of deliveries) messages.push(...(await this.open(delivery)));
    try {
      await this.to.database.transaction((tx) => this.to.intake.handle(tx, messages));
    } catch (error) {
      if (isConnectionError(error)) throw error;
      await this.to.database.transaction((tx) => this.to.intake.store(tx, messages));
    }
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
      id: v7(),
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
