import type { ConfirmChannel, Options } from 'amqplib';
import { corked } from '../../corked.js';

/** `lost`: nobody knows whether it arrived, so it is sent again under the same id. */
export type Sent = 'confirmed' | 'returned' | 'lost';

export interface Publication {
  exchange: string;
  routingKey: string;
  content: Buffer;
  /** A return means "not delivered" only where somebody inside must hear it. */
  mandatory: boolean;
  properties: Options.Publish & { messageId: string };
}

const CONFIRM_TIMEOUT_MS = 10_000;

/** Publishes on one confirm channel; every message answers for itself. */
export class Publisher {
  private readonly returned = new Set<string>();

  constructor(private readonly channel: ConfirmChannel) {
    channel.on('return', (message) => this.returned.add(message.properties.messageId as string));
  }

  /** In order, with a wide window of open confirms. Never throws. */
  publish(publications: Publication[]): Promise<Sent[]> {
    const uncork = corked(this.channel);
    // amqplib hands everything to the socket in the next turn of the event loop, one message at a time.
    setImmediate(() => setImmediate(uncork));
    return Promise.all(publications.map((p) => this.confirmed(p)));
  }

  private confirmed({ exchange, routingKey, content, mandatory, properties }: Publication): Promise<Sent> {
    return new Promise((resolve) => {
      // No answer is not an answer: the row stays and is sent again under the same id.
      const timer = setTimeout(() => resolve('lost'), CONFIRM_TIMEOUT_MS);
      const settle = (sent: Sent) => {
        clearTimeout(timer);
        resolve(sent);
      };
      const options = { persistent: true, mandatory, ...properties };
      try {
        // When the channel closes amqplib calls every outstanding confirm back with an error.
        this.channel.publish(exchange, routingKey, content, options, (error: unknown) => {
          // A return comes before the confirm of the same message.
          const returned = this.returned.delete(properties.messageId);
          settle(error ? 'lost' : returned ? 'returned' : 'confirmed');
        });
      } catch {
        settle('lost');
      }
    });
  }
}
