import { appendFileSync, mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Writes down each file of cases that has passed, so that a run of hours can be taken up again. */
export default class PassedReporter {
  onTestFileResult(_test, { testFilePath, numFailingTests, numPassingTests, testExecError }) {
    const journal = process.env.SANMON_FAULT_JOURNAL;
    if (!journal || numFailingTests > 0 || numPassingTests === 0 || testExecError) return;
    mkdirSync(dirname(journal), { recursive: true });
    const line = { file: basename(testFilePath), size: process.env.SANMON_FAULT_SIZE, at: new Date().toISOString() };
    appendFileSync(journal, `${JSON.stringify(line)}\n`);
  }
}
