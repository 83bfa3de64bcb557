import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process that somebody must end, and what stands in its command line and in no stranger's. */
export interface Remains {
  pid: number;
  mark: string;
}

const FILE = 'processes.json';

/** Writes down which processes belong to this directory. */
export function recordProcesses(directory: string, remains: Remains[]): void {
  writeFileSync(join(directory, FILE), JSON.stringify(remains));
}

/** Kills what an earlier run that was killed itself has left running for this directory. */
export function killLeftover(directory: string): void {
  if (!existsSync(join(directory, FILE))) return;
  const remains = JSON.parse(readFileSync(join(directory, FILE), 'utf8')) as Remains[];
  // Process ids are used again: only a process that still carries the mark is ours to kill.
  for (const { pid, mark } of remains) if (commandOf(pid).includes(mark)) process.kill(pid, 'SIGKILL');
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function commandOf(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
