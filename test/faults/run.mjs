// npm run test:faults [-- --quick | --release] [--again] [part of a file's name …]
// Full size unless one is given; what has passed in the same size is skipped, --again forgets it. SANMON_FAULT_SEED repeats a run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '../..');
const options = process.argv.slice(2);
const size = ['quick', 'release'].find((one) => options.includes(`--${one}`)) ?? 'full';
const wanted = options.filter((option) => !option.startsWith('--'));
const journal = join(root, '.test/faults', `passed-${size}.jsonl`);
if (options.includes('--again')) rmSync(journal, { force: true });

const lines = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').filter(Boolean) : [];
const passed = new Set(lines.map((line) => JSON.parse(line).file));
const files = readdirSync(here)
  .filter((file) => /\.(spec|faults)\.ts$/.test(file))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
const open = files.filter((file) => !passed.has(file));
console.log(`${size}: ${open.length} of ${files.length} files to run; passed before: ${files.length - open.length}`);
if (open.length === 0) process.exit(0);

const jest = join(root, 'node_modules/jest/bin/jest.js');
const { status } = spawnSync(
  process.execPath,
  [jest, '--config', join(here, 'jest.config.js'), '--runTestsByPath', ...open.map((file) => join(here, file))],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SANMON_FAULT_SIZE: size, SANMON_FAULT_JOURNAL: journal },
  },
);
process.exit(status ?? 1);
