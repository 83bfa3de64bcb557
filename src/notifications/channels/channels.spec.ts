import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Logger } from '@nestjs/common';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { startSmtpSink } from '../../../test/support/smtp-sink.js';
import { channelFor } from './channel-for.js';
import type { Letter } from './channel.js';
import { PreviewChannel } from './preview.channel.js';
import { SmtpChannel } from './smtp.channel.js';

const FROM = 'Sanmon <orders@sanmon.example>';

const letter = (with_: Partial<Letter> = {}): Letter => ({
  id: 'ntf_0193',
  to: 'a@example.com',
  subject: 'ご注文 ord_1',
  text: 'Total: ¥1,200\n.\nend\n',
  html: '<p>¥1,200</p>',
  at: '2026-01-02T03:04:05.678Z',
  ...with_,
});

const fails = (responseCode: number) => Object.assign(new Error('refused by the test'), { responseCode });

/** What a channel makes of a server that answers like this. */
async function delivering(options: SMTPServerOptions, sent = letter(), login = '') {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const channel = new SmtpChannel(
    `smtp://${login}127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    FROM,
    10_000,
  );
  try {
    return await channel.send(sent);
  } finally {
    channel.close();
    await new Promise<void>((resolve) => server.close(resolve));
  }
}

describe('the SMTP channel', () => {
  it('sends a mail with our Message-ID and time, from MAIL_FROM, in plain text and HTML', async () => {
    const sink = await startSmtpSink();
    const channel = new SmtpChannel(sink.url, FROM);
    expect(await channel.send(letter())).toEqual({ taken: true });
    channel.close();
    await sink.stop();
    expect(sink.mails).toMatchObject([
      {
        from: 'orders@sanmon.example',
        to: ['a@example.com'],
        subject: 'ご注文 ord_1',
        messageId: '<ntf_0193@sanmon>',
        text: 'Total: ¥1,200\n.\nend\n',
      },
    ]);
    const { raw } = sink.mails[0]!;
    expect(raw).toContain('From: Sanmon <orders@sanmon.example>\r\n');
    expect(raw).toContain('Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n');
    expect(raw).toContain('Auto-Submitted: auto-generated\r\n');
    expect(raw).toContain('Content-Type: multipart/alternative;');
    expect(raw).toContain('Content-Type: text/html; charset=utf-8\r\n');
  });

  it('keeps its connections: 40 mails at once need at most 8', async () => {
    let connections = 0;
    let mails = 0;
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onConnect: (_session, done) => (connections++, done()),
      onData: (stream, _session, done) => (mails++, stream.resume().on('end', () => done())),
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const channel = new SmtpChannel(`smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`, FROM);
    const deliveries = await Promise.all(
      Array.from({ length: 40 }, (_, i) => channel.send(letter({ id: `ntf_${i}` }))),
    );
    channel.close();
    await new Promise<void>((resolve) => server.close(resolve));
    expect(deliveries).toEqual(deliveries.map(() => ({ taken: true })));
    expect(mails).toBe(40);
    expect(connections).toBeLessThanOrEqual(8);
  });

  it.each([550, 552, 554])('takes a %d to the recipient or to the mail as refused for ever', async (code) => {
    const refused = { refused: expect.stringContaining(String(code)) };
    expect(await delivering({ onRcptTo: (_to, _session, done) => done(fails(code)) })).toEqual(refused);
    expect(await delivering({ onData: (s, _, done) => s.resume().on('end', () => done(fails(code))) })).toEqual(
      refused,
    );
  });

  it.each([421, 450, 451, 452, 503])('tries again after a %d', async (code) => {
    const trouble = { trouble: expect.any(String) };
    expect(await delivering({ onRcptTo: (_to, _session, done) => done(fails(code)) })).toEqual(trouble);
    expect(await delivering({ onData: (s, _, done) => s.resume().on('end', () => done(fails(code))) })).toEqual(
      trouble,
    );
  });

  it('tries again when it is we who are refused: at the door, at the login, as a sender', async () => {
    const trouble = { trouble: expect.any(String) };
    expect(await delivering({ onConnect: (_session, done) => done(fails(554)) })).toEqual(trouble);
    expect(await delivering({ onMailFrom: (_from, _session, done) => done(fails(550)) })).toEqual(trouble);
    expect(await delivering({ onAuth: (_a, _s, done) => done(fails(535)) }, letter(), 'us:wrong@')).toEqual(trouble);
    expect(await delivering({ onRcptTo: (_to, _session, done) => done(fails(530)) })).toEqual(trouble);
  });

  it('tries again when nobody listens, when the connection breaks and when the server is silent', async () => {
    const trouble = { trouble: expect.any(String) };
    for (const behaviour of ['break', 'silence', 'trickle'] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        if (behaviour === 'break') socket.destroy();
        if (behaviour === 'trickle') {
          const drops = setInterval(() => socket.write('220-\r\n'), 50);
          socket.on('close', () => clearInterval(drops));
        }
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const channel = new SmtpChannel(`smtp://127.0.0.1:${port}`, FROM, 500);
      const begun = Date.now();
      expect(await channel.send(letter())).toEqual(trouble);
      expect(Date.now() - begun).toBeLessThan(8_000);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      expect(await channel.send(letter())).toEqual(trouble);
      channel.close();
    }
  });

  it('works again when the server is back, over the same pool', async () => {
    const sink = await startSmtpSink({ failNext: 1 });
    const channel = new SmtpChannel(sink.url, FROM);
    expect(await channel.send(letter())).toMatchObject({ trouble: expect.stringContaining('451') });
    expect(await channel.send(letter())).toEqual({ taken: true });
    channel.close();
    await sink.stop();
    expect(sink.mails.map(({ messageId }) => messageId)).toEqual(['<ntf_0193@sanmon>']);
  });

  it('lets no line break and no second address out of what it is given into the header or the envelope', async () => {
    const sink = await startSmtpSink();
    const channel = new SmtpChannel(sink.url, FROM);
    const body = 'x\r\n.\r\nMAIL FROM:<x@example.com>\r\nRCPT TO:<victim@example.com>\r\n';
    expect(await channel.send(letter({ subject: 'Hi\r\nBcc: victim@example.com', text: body }))).toEqual({
      taken: true,
    });
    for (const to of ['a@example.com\r\nBcc: b@example.com', 'a@example.com, b@example.com', 'A <a@example.com>', ''])
      expect(await channel.send(letter({ to }))).toMatchObject({ refused: expect.any(String) });
    channel.close();
    await sink.stop();
    expect(sink.mails).toHaveLength(1);
    const [{ raw, to, text }] = sink.mails as [(typeof sink.mails)[0]];
    expect(to).toEqual(['a@example.com']);
    expect(text).toContain('RCPT TO:<victim@example.com>');
    expect(raw.slice(0, raw.indexOf('\r\n\r\n'))).not.toMatch(/^Bcc/im);
  });
});

describe('the preview', () => {
  it('is the channel without an SMTP_URL: it renders, counts as taken and says so in one line at debug level', async () => {
    const debug = jest.spyOn(Logger.prototype, 'debug').mockImplementation();
    const channel = channelFor({ from: FROM });
    expect(channel).toBeInstanceOf(PreviewChannel);
    expect(await channel.send(letter())).toEqual({ taken: true });
    expect(debug.mock.calls).toEqual([['preview of ntf_0193 to a@example.com: ご注文 ord_1']]);
    debug.mockRestore();
    channel.close();
  });

  it('is not the channel with one', () => {
    const channel = channelFor({ smtpUrl: 'smtp://127.0.0.1:1', from: FROM });
    expect(channel).toBeInstanceOf(SmtpChannel);
    channel.close();
  });
});
