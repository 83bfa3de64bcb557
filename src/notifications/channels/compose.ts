import type { SendMailOptions } from 'nodemailer';
import type { Letter } from './channel.js';

/** A letter as nodemailer takes it. The recipient is one address, never parsed as a list. */
export function composed(letter: Letter, from: string): SendMailOptions {
  return {
    from,
    to: { name: '', address: letter.to },
    subject: letter.subject,
    text: letter.text,
    html: letter.html,
    messageId: `<${letter.id}@sanmon>`,
    date: new Date(letter.at),
    // RFC 3834: answering machines do not answer it.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
