import { execFile, type ExecFileException } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ENVIRONMENT, type Account } from './run-as.js';

const execute = promisify(execFile);

/** One run of a program to its end, in our terms: nothing of our environment, an account, a working directory. */
export interface Run {
  account?: Account | undefined;
  cwd?: string;
  environment?: Record<string, string>;
}

/** Runs a program to its end and gives what it printed; throws its failure with `stderr`. */
export async function run(file: string, args: string[], { account, cwd, environment }: Run = {}): Promise<string> {
  const options = { ...account, cwd, env: { ...ENVIRONMENT, ...environment } };
  return (await execute(file, args, options)).stdout;
}

/** What a failed run said, in one line. */
export function said(error: unknown): string {
  const { stderr, message } = error as ExecFileException;
  return (stderr || message).trim().split('\n').slice(-3).join(' | ');
}

/**
 * Tries a binary out under an account (8 ms): 'runs', 'unreachable' (a directory above is closed to the account),
 * 'no loader' (the file is there but the system cannot load it: musl), or what it said.
 */
export async function tried(binary: string, account: Account | undefined): Promise<string> {
  try {
    await run(binary, ['-V'], { account, cwd: '/' });
    return 'runs';
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'EACCES') return 'unreachable';
    if (code !== 'ENOENT') return said(error);
    return access(binary).then(
      () => 'no loader',
      () => 'it is missing',
    );
  }
}
