import { withoutSecrets } from '../../boot-report.js';
import type { Settings } from '../../config/settings.js';
import { SmtpChannel } from '../../notifications/channels/smtp.channel.js';
import { type Finding, looked, ok } from './finding.js';

/** Whether the mail server lets us in; nothing is sent. */
export async function mailFindings({ MODULES, SMTP_URL: url, MAIL_FROM }: Settings): Promise<Finding[]> {
  if (!MODULES.includes('notifications')) return [];
  if (!url) return [ok('e-mail', 'PREVIEW: rendered and stored, not sent (set SMTP_URL to send)')];
  const channel = new SmtpChannel(url, MAIL_FROM);
  try {
    return await looked('e-mail', `${withoutSecrets(url)}: see that it runs and lets us in`, async () => {
      await channel.verify();
      return ok('e-mail', `SMTP ${withoutSecrets(url)} lets us in`);
    });
  } finally {
    channel.close();
  }
}
