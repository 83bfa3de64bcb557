import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

/** One message as it arrived: the envelope's addresses, the headers a test asks for, and everything raw. */
export interface SunkMail {
  from: string;
  to: string[];
  subject: string;
  messageId: string;
  text: string;
  raw: string;
}

/** An SMTP server on 127.0.0.1 that keeps what it accepts. */
export interface SmtpSink {
  readonly url: string;
  readonly mails: SunkMail[];
  /** Answers the next `count` messages with this SMTP code (4xx: try again, 5xx: never) instead of taking them. */
  refuse(count: number, code: number): void;
  stop(): Promise<void>;
}

/** Starts a sink on a port of its own; `failNext` messages are refused with 451 first. */
export async function startSmtpSink({ failNext = 0 } = {}): Promise<SmtpSink> {
  const mails: SunkMail[] = [];
  const refusal = { left: failNext, code: 451 };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onData(stream, session, done) {
      read(stream).then((raw) => {
        if (refusal.left > 0) {
          refusal.left--;
          return done(Object.assign(new Error('refused by the test'), { responseCode: refusal.code }));
        }
        mails.push(parse(raw, session));
        done();
      }, done);
    },
  });
  // A client killed in the middle of a test resets its connection: without a listener that would end the test run.
  server.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (count, code) => Object.assign(refusal, { left: count, code }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function read(stream: SMTPServerDataStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(raw: string, { envelope }: SMTPServerSession): SunkMail {
  const { header } = split(raw);
  return {
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    to: envelope.rcptTo.map(({ address }) => address),
    subject: decodeWords(header('Subject')),
    messageId: header('Message-ID'),
    text: plainText(raw),
    raw,
  };
}

function split(entity: string) {
  const end = entity.indexOf('\r\n\r\n');
  const head = entity.slice(0, end).replace(/\r\n[ \t]+/g, ' ');
  const header = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  return { header, body: entity.slice(end + 4) };
}

// Of a multipart message the first text/plain part, at any depth; enough for what nodemailer writes.
function plainText(entity: string): string {
  const { header, body } = split(entity);
  const boundary = /boundary="?([^";]+)"?/i.exec(header('Content-Type'))?.[1];
  if (!boundary) return decodeBody(header('Content-Transfer-Encoding'), body).replaceAll('\r\n', '\n');
  const parts = body.split(`--${boundary}`).slice(1, -1);
  const readable = parts.find((part) => /^(text\/plain|multipart\/)/i.test(split(part).header('Content-Type')));
  return readable === undefined ? '' : plainText(readable).replace(/\n$/, '');
}

function decodeBody(encoding: string, body: string): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable':
      return unquote(body.replace(/=\r\n/g, ''));
    default:
      return body;
  }
}

// RFC 2047 encoded words, as nodemailer writes a subject that is not ASCII.
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?[^?]+\?([BQ])\?([^?]*)\?=/gi, (_all, kind: string, text: string) =>
      kind.toUpperCase() === 'B' ? Buffer.from(text, 'base64').toString('utf8') : unquote(text.replaceAll('_', ' ')),
    );
}

function unquote(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
