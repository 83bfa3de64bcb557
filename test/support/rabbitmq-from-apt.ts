import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { announce } from './announce.js';
import type { RabbitMqBinaries } from './rabbitmq-node.js';

const run = promisify(execFile);

// RabbitMQ, its Erlang, and the libraries these load that a slim image may lack. Never libc6: with a foreign libc on
// LD_LIBRARY_PATH no program starts any more.
const WANTED =
  /^(rabbitmq-server|erlang-.*|lib(ssl|tinfo|ncurses|stdc\+\+|gcc-s|systemd|lz4-|lzma|zstd|gcrypt|gpg-error|cap)[0-9].*|zlib1g)$/;

// The second is for a project that somebody else installed.
const MODULES = join(createRequire(import.meta.url).resolve('amqplib'), '../..');
const CACHES = [join(MODULES, '.cache'), join(homedir(), '.cache')];

/**
 * RabbitMQ from the distribution's packages, unpacked into a cache without installing anything and without root.
 * First time about 5 s and 38 MB from the configured apt mirror, afterwards nothing. Or why it cannot be done here.
 */
export async function unpackRabbitMq(): Promise<RabbitMqBinaries | string> {
  const cache = join(await firstWritable(CACHES), 'sanmon', `rabbitmq-${process.arch}`);
  const root = join(cache, 'root');
  const marker = join(root, 'unpacked-at');
  const there = async () => existsSync(marker) && (await readFile(marker, 'utf8')) === root;
  if (!(await there())) {
    for (const tool of ['apt-get', 'dpkg-deb']) {
      const found = await run(tool, ['--version']).then(Boolean, () => false);
      if (!found) return `no ${tool} on this machine`;
    }
    announce('unpacking RabbitMQ from the apt mirror (once) ...');
    await mkdir(cache, { recursive: true });
    const work = await mkdtemp(join(cache, 'work-'));
    try {
      await unpack(work, root);
      await writeFile(join(work, 'root', 'unpacked-at'), root);
      // A cache that was copied from elsewhere names other paths; one that another run has just made is as good.
      if (!(await there())) {
        await rm(root, { recursive: true, force: true });
        await rename(join(work, 'root'), root);
      }
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return { scripts: join(root, 'usr/lib/rabbitmq/bin'), env: await environment(root) };
}

async function firstWritable(directories: string[]): Promise<string> {
  for (const directory of directories) {
    const writable = mkdir(directory, { recursive: true }).then(() => access(directory, constants.W_OK));
    if (
      await writable.then(
        () => true,
        () => false,
      )
    )
      return directory;
  }
  throw new Error(`RabbitMQ cannot be unpacked: neither ${directories.join(' nor ')} can be written to.`);
}

async function unpack(work: string, final: string): Promise<void> {
  const options = [
    `Dir::State=${work}/state`,
    'Dir::State::status=/var/lib/dpkg/status',
    `Dir::Cache=${work}/cache`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  for (const lists of ['state/lists/partial', 'cache/archives/partial', 'packages', 'root']) {
    await mkdir(join(work, lists), { recursive: true });
  }
  await run('apt-get', [...options, '-qq', 'update']);
  const only = [
    '--recurse',
    ...['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((no) => `--no-${no}`),
  ];
  const { stdout } = await run('apt-cache', [...options, 'depends', ...only, 'rabbitmq-server'], {
    maxBuffer: 1 << 26,
  });
  const names = stdout.split('\n').filter((line) => WANTED.test(line));
  const packages = join(work, 'packages');
  await run('apt-get', [...options, '-qq', 'download', ...names], { cwd: packages });
  for (const file of await readdir(packages)) {
    await run('dpkg-deb', ['-x', join(packages, file), join(work, 'root')]);
  }
  await relocate(join(work, 'root/usr/lib/erlang'), join(final, 'usr/lib/erlang'));
}

// Debian's erl names its own directory and ignores ERL_ROOTDIR.
async function relocate(erlang: string, final: string): Promise<void> {
  const runtimes = (await readdir(erlang)).filter((name) => name.startsWith('erts-'));
  for (const directory of ['bin', ...runtimes.map((name) => join(name, 'bin'))]) {
    const script = join(erlang, directory, 'erl');
    if (!existsSync(script)) continue;
    const text = await readFile(script, 'utf8');
    await writeFile(script, text.replaceAll('ROOTDIR=/usr/lib/erlang', `ROOTDIR=${final}`));
  }
}

async function environment(root: string): Promise<NodeJS.ProcessEnv> {
  const libraries = new Set<string>();
  for (const parent of ['usr/lib', 'lib']) {
    const directory = join(root, parent);
    if (!existsSync(directory)) continue;
    for (const name of await readdir(directory)) if (name.endsWith('-linux-gnu')) libraries.add(join(directory, name));
  }
  return {
    PATH: `${join(root, 'usr/lib/erlang/bin')}:${process.env.PATH}`,
    LD_LIBRARY_PATH: [...libraries].join(':'),
  };
}
