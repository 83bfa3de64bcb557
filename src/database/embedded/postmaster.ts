import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf } from './trouble.js';

/** The server that serves a data directory, by its postmaster.pid. */
export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

// Line numbers of postmaster.pid (src/include/utils/pidfile.h of PostgreSQL).
const PORT = 3;
const STATUS = 7;

// Above the highest pid any Linux can give (2^22), so that PostgreSQL sees: that process is dead.
const NO_PROCESS = 4_194_305;

/** The living server of a data directory; undefined when there is none. */
export function postmasterOf(data: string): Postmaster | undefined {
  const lines = pidFile(data)?.split('\n');
  const pid = Number(lines?.[0]);
  if (!lines || !(pid > 0) || !serves(pid, data)) return undefined;
  return { pid, port: Number(lines[PORT]), ready: lines[STATUS]?.trim() === 'ready' };
}

/**
 * Clears a postmaster.pid that names a living process which is no server of this directory, as happens after a reboot
 * or in a restarted container: PostgreSQL would refuse to start as long as that process lives.
 *
 * Only the pid is replaced. PostgreSQL then judges the rest of the file by itself, above all whether orphans of a
 * killed server still hold its shared memory; deleting the file would switch that protection off. Nothing is awaited
 * between reading and writing, so that no other start can put a new server's file there meanwhile.
 */
export function clearStalePid(data: string): boolean {
  const content = pidFile(data);
  const pid = Number(content?.split('\n')[0]);
  if (!content || !(pid > 0) || !isAlive(pid) || serves(pid, data)) return false;
  writeFileSync(join(data, 'postmaster.pid'), content.replace(/^\d+/, String(NO_PROCESS)));
  return true;
}

/** Whether a process lives, be it ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function pidFile(data: string): string | undefined {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A server's working directory is its data directory; the name of the program guards against a shell standing there. */
function serves(pid: number, data: string): boolean {
  try {
    if (process.platform !== 'linux')
      return (
        basename(execFileSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).trim()) === 'postgres'
      );
    const [there, here] = [statSync(`/proc/${pid}/cwd`), statSync(data)];
    // "postgres (deleted)" when npm has replaced the binary since.
    const program = basename(readlinkSync(`/proc/${pid}/exe`));
    return program.startsWith('postgres') && there.ino === here.ino && there.dev === here.dev;
  } catch {
    // Gone, a zombie, or of another account, which a server of these data is not.
    return false;
  }
}
