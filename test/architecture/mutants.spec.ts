import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const MUTANTS = join(ROOT, 'test/faults/mutants');

it.each(readdirSync(MUTANTS))(
  '%s still fits the code that it breaks, so that npm run test:prove can seed it',
  (file) => {
    expect(() =>
      execFileSync('git', ['apply', '--check', join(MUTANTS, file)], { cwd: ROOT, stdio: 'pipe' }),
    ).not.toThrow();
  },
);
