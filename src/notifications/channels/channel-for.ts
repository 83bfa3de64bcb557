import type { Channel } from './channel.js';
import { PreviewChannel } from './preview.channel.js';
import { SmtpChannel } from './smtp.channel.js';

/** The channel the settings ask for: without an SMTP_URL the preview. `from` is the From of every mail. */
export const channelFor = ({ smtpUrl, from }: { smtpUrl?: string; from: string }): Channel =>
  smtpUrl === undefined ? new PreviewChannel() : new SmtpChannel(smtpUrl, from);
