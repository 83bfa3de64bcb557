import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../dist/cli/main.js');

/** What a command said, and its exit code. */
export interface Said {
  code: number | null;
  out: string;
  err: string;
  /** The lines on standard output. */
  lines: string[];
}

/** Starts a command of the built product with this environment and no other, as an operator types it. */
export function startCommand(words: string[], environment: Record<string, string> = {}): ChildProcess {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'sanmon-command-'));
  const env = { PATH: process.env['PATH'] ?? '', DATA_DIR, ...environment };
  return spawn(process.execPath, ['--enable-source-maps', main, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs one to its end. */
export function command(words: string, environment?: Record<string, string>): Promise<Said> {
  const child = startCommand(words.split(' ').filter(Boolean), environment);
  const said: Said = { code: null, out: '', err: '', lines: [] };
  child.stdout!.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr!.on('data', (text: Buffer) => (said.err += text.toString()));
  return new Promise((resolve) =>
    child.on('close', (code) => resolve({ ...said, code, lines: said.out.split('\n').filter(Boolean) })),
  );
}
