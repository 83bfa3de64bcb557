import { Logger } from '@nestjs/common';
import { parseArgs } from 'node:util';
import { settingsOrExit } from '../../config/settings-or-exit.js';
import { brokerFindings } from './broker.js';
import { databaseFindings } from './database.js';
import { lineOf } from './finding.js';
import { mailFindings } from './mail.js';
import { pricesFindings } from './prices.js';
import { providerFindings } from './provider.js';
import { settingsFindings } from './settings.js';
import { tokensFindings } from './tokens.js';

/** `sanmon check`: one line for each thing that was looked at, as soon as it is known. Nothing is changed anywhere. */
export async function check(words: string[]): Promise<number> {
  parseArgs({ args: words });
  const settings = settingsOrExit();
  // What is wrong is said once, here.
  Logger.overrideLogger(false);
  let failed = false;
  for (const look of [
    settingsFindings,
    tokensFindings,
    databaseFindings,
    brokerFindings,
    providerFindings,
    pricesFindings,
    mailFindings,
  ])
    for (const finding of await look(settings)) {
      console.log(lineOf(finding));
      failed ||= finding.level === 'fail';
    }
  return failed ? 1 : 0;
}
