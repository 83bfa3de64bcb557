import { Logger } from '@nestjs/common';
import { createTransport } from 'nodemailer';
import { Channel, type Delivery, type Letter } from './channel.js';
import { composed } from './compose.js';

/** Stands in where there is no SMTP server: renders each mail as it would go out, counts it as taken, sends nothing. */
export class PreviewChannel extends Channel {
  private readonly logger = new Logger('Mail');
  private readonly transport = createTransport({ streamTransport: true, buffer: true });

  constructor(private readonly from: string) {
    super();
  }

  async send(letter: Letter): Promise<Delivery> {
    try {
      const { message } = await this.transport.sendMail(composed(letter, this.from));
      this.logger.debug(
        `preview of ${letter.id} to ${letter.to}: ${letter.subject} (${(message as Buffer).length} bytes)`,
      );
      return { taken: true };
    } catch (error) {
      return { trouble: (error as Error).message };
    }
  }

  close(): void {}
}
