import { Logger } from '@nestjs/common';
import { Channel, type Delivery, type Letter } from './channel.js';

/** Stands in where there is no SMTP server: counts each mail as taken and sends nothing. It is shown by the notification itself. */
export class PreviewChannel extends Channel {
  private readonly logger = new Logger('Mail');

  async send({ id, to, subject }: Letter): Promise<Delivery> {
    this.logger.debug(`preview of ${id} to ${to}: ${subject}`);
    return { taken: true };
  }

  close(): void {}
}
