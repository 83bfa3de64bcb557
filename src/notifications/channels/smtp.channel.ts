import { createTransport } from 'nodemailer';
import { isEmail } from '../../gates/email.js';
import { Channel, type Delivery, type Letter } from './channel.js';
import { composed } from './compose.js';

const WAIT_MS = 10_000;
/** One whole try, with a server that is always nearly silent; under the 15 s that the effect has. */
const TRY_MS = 14_000;
/** More of them at once than this are refused by many servers; who finds none free waits for one. */
const CONNECTIONS = 8;

/** Sends through an SMTP server, over connections that are kept. */
export class SmtpChannel extends Channel {
  private readonly transport;

  constructor(
    smtpUrl: string,
    private readonly from: string,
    private readonly tryMs = TRY_MS,
  ) {
    super();
    this.transport = createTransport({
      url: smtpUrl,
      pool: true,
      maxConnections: CONNECTIONS,
      // Only for a connection that the server had closed while it was idle: other tries are the effect's, which counts them.
      maxRequeues: 1,
      connectionTimeout: WAIT_MS,
      greetingTimeout: WAIT_MS,
      socketTimeout: WAIT_MS,
      dnsTimeout: WAIT_MS,
    });
    // Every send reports its own trouble; without a listener this event would end the process.
    this.transport.on('error', () => undefined);
  }

  async send(letter: Letter): Promise<Delivery> {
    if (!isEmail(letter.to)) return { refused: 'not an e-mail address' };
    try {
      await this.transport.sendMail({ ...composed(letter, this.from), signal: AbortSignal.timeout(this.tryMs) });
      return { taken: true };
    } catch (error) {
      return judged(error as SmtpError);
    }
  }

  /** Connects and logs in, and sends nothing; throws why it could not. */
  async verify(): Promise<void> {
    await this.transport.verify();
  }

  close(): void {
    this.transport.close({ force: true });
  }
}

interface SmtpError extends Error {
  /** The three digits the server answered with, if it answered. */
  responseCode?: number;
  /** What it answered to. */
  command?: string;
}

/** What a server refuses because of the recipient or the mail. To connect, log in and be a sender is about us. */
const ABOUT_THE_MAIL = ['RCPT TO', 'DATA'];
/** 503 is about the session and 530 about our login, at whichever command they come. */
const ABOUT_US = [503, 530];

/** A 5xx is for ever. Everything else may pass: 4xx, the network, and what an operator can put right. */
function judged({ responseCode = 0, command = '', message }: SmtpError): Delivery {
  const forEver = responseCode >= 500 && responseCode <= 599 && !ABOUT_US.includes(responseCode);
  return forEver && ABOUT_THE_MAIL.includes(command) ? { refused: message } : { trouble: message };
}
