import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { announce } from '../../support/announce.js';

const DIRECTORY = join(import.meta.dirname, '../../../.test/faults');

/** Says what a case came to, and keeps it for docs/messaging.md. */
export function report(what: string, numbers: Record<string, number | string>): void {
  announce(
    `${what}: ${Object.entries(numbers)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
  );
  mkdirSync(DIRECTORY, { recursive: true });
  appendFileSync(join(DIRECTORY, 'report.jsonl'), `${JSON.stringify({ what, ...numbers })}\n`);
}
