import { createHmac, timingSafeEqual } from 'node:crypto';

export const SIGNATURE_HEADER = 'sanmon-signature';

/**
 * Signs traffic between modules with MESSAGE_SECRET, so that nobody who may publish can forge a captured payment.
 * The routing key is signed too: a message cannot be moved to another module. A replay is caught by the message id.
 */
export class Signature {
  constructor(private readonly secret: string) {}

  sign(routingKey: string, body: Buffer): string {
    return createHmac('sha256', this.secret).update(routingKey).update('\n').update(body).digest('base64url');
  }

  holds(routingKey: string, body: Buffer, signature: unknown): boolean {
    const expected = Buffer.from(this.sign(routingKey, body));
    const shown = Buffer.from(typeof signature === 'string' ? signature : '');
    return expected.length === shown.length && timingSafeEqual(expected, shown);
  }
}
