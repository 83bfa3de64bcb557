import { Logger } from '@nestjs/common';
import { uuidv7 } from '../../uuid.js';
import type { Database } from '../../database/database.js';
import type { Broker, Delivery } from '../broker/broker.js';
import { unpack } from '../outbox/envelope.js';
import type { Handlers } from '../handlers.js';
import type { Inbox } from './inbox.js';
import { type Signature, SIGNATURE_HEADER } from '../outbox/signature.js';
import type { Strangers } from './strangers.js';
import { queueOf } from '../broker/topology.js';

/** One: such messages are rare, may be large (they are not cut, or our signature would not hold), and may be what ended a process. */
const PREFETCH = 1;
const CODE = 'delivery-limit';
const REASON = 'The broker gave up: it delivered this message 1,000 times and was never answered.';

/**
 * Empties `sanmon.<module>.dead`, so that nothing lies there unseen: each message is parked. One of ours keeps the place of
 * its key; one from outside, which nobody has judged yet, holds nothing.
 */
export class DeadLetters {
  private readonly logger = new Logger('DeadLetters');

  constructor(
    private readonly to: { module: string; database: Database; inbox: Inbox; strangers: Strangers },
    private readonly handlers: Handlers,
    private readonly signature: Signature,
  ) {}

  consumeFrom(broker: Broker): void {
    const options = { prefetch: PREFETCH, set: 1 };
    broker.consume(queueOf.dead(this.to.module), options, async (deliveries) => {
      for (const { message } of deliveries) await this.park(message);
    });
  }

  private async park(message: Delivery['message']): Promise<void> {
    const { database, inbox, strangers } = this.to;
    const { type, headers } = cameFrom(message);
    this.logger.error(`parked ${type} (${message.properties.messageId ?? 'without an id'}): ${REASON}`);
    const ours = this.messages(type, message);
    await database.transaction(async (tx) => {
      if (!ours) return strangers.keep(tx, 'parked', [stranger(message, type, headers)]);
      // What was handled after all, and only never acknowledged, is not parked.
      for (const { message } of await inbox.mark(tx, ours))
        await inbox.keep(tx, message, { state: 'parked', after: 0, code: CODE, reason: REASON });
    });
  }

  /** The messages of an envelope of ours; undefined when it is not. */
  private messages(type: string, { content, properties }: Delivery['message']) {
    if (!this.signature.holds(type, content, properties.headers?.[SIGNATURE_HEADER])) return undefined;
    try {
      return unpack(content).filter((m) => this.handlers.concerns(this.to.module, m.type));
    } catch {
      return undefined;
    }
  }
}

/** The routing key it was published with: the broker keeps it in `x-death`, which a publisher can forge but gains nothing by. */
function cameFrom({ fields, properties }: Delivery['message']): { type: string; headers: Record<string, unknown> } {
  const { authorization: _judgedOnceAndNeverStored, ...headers } = (properties.headers ?? {}) as Record<
    string,
    unknown
  >;
  const deaths = headers['x-death'] as { 'routing-keys'?: unknown[] }[] | undefined;
  const [key] = (Array.isArray(deaths) && deaths[0]?.['routing-keys']) || [];
  return { type: typeof key === 'string' ? key : fields.routingKey, headers };
}

const stranger = ({ content, properties }: Delivery['message'], type: string, headers: object) => ({
  id: uuidv7(),
  type,
  principal: `amqp:${(properties.userId as string | undefined) ?? 'publisher'}`,
  code: CODE,
  reason: REASON,
  content,
  headers: { ...headers, messageId: properties.messageId as string | undefined },
});
