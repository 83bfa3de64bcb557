import { Client, type QueryResultRow } from 'pg';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { locatePackage } from '../../src/database/embedded/binaries.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { isAlive } from '../../src/database/embedded/postmaster.js';
import { accountFor, type Account } from '../../src/database/embedded/run-as.js';
import { projectIn, type Child, type Project } from '../support/embedded-project.js';
import { eventually } from '../support/eventually.js';

const NOBODY: Account = { uid: 65_534, gid: 65_534 };
/** An account that is not root: ours, if we are not. */
const USUAL = process.getuid?.() === 0 ? NOBODY : { uid: process.getuid!(), gid: process.getgid!() };

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const onLinux = process.platform === 'linux' ? test : test.skip;

describe('The embedded PostgreSQL', () => {
  let work: string;
  let staging: string;
  let directory: string;
  let project: Project;
  let logged: string[];
  const temporary: string[] = [];
  const started: EmbeddedPostgres[] = [];
  const children: Child[] = [];

  // mkdtemp makes it 0700: for root, that is the project under /root which PostgreSQL's account cannot reach.
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'sanmon-embedded-'));
    staging = mkdtempSync(join(tmpdir(), 'sanmon-staging-'));
    chmodSync(staging, 0o755);
    directory = join(work, 'data dir/postgres');
    mkdirSync(join(work, 'project'));
    project = projectIn(join(work, 'project'), locatePackage());
  });

  beforeEach(() => {
    logged = [];
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((postgres) => postgres.stop()));
    for (const { process } of children.splice(0)) process.kill('SIGKILL');
    await eventually(() => expect(isRunning(directory)).toBe(false));
  });

  afterAll(() => {
    for (const made of [work, staging, ...temporary]) rmSync(made, { recursive: true, force: true });
  });

  async function start(where = directory): Promise<EmbeddedPostgres> {
    const onLog = (line: string) => logged.push(line);
    const postgres = await startEmbeddedPostgres({ directory: where, staging, onLog });
    started.push(postgres);
    return postgres;
  }

  function startChild(of = project, where = directory, as?: Account): Child {
    const child = of.start([where, staging], as);
    children.push(child);
    return child;
  }

  /** A project whose every directory can be reached by all, with an empty directory for data. */
  function openProject(binaries?: string): { project: Project; data: string } {
    const open = mkdtempSync(join(tmpdir(), 'sanmon-embedded-'));
    temporary.push(open);
    chmodSync(open, 0o755);
    mkdirSync(join(open, 'data'));
    return { project: projectIn(open, binaries), data: join(open, 'data') };
  }

  test('starts cold on nothing, with a password, on 127.0.0.1 only, and safe against power cuts', async () => {
    const { url } = await start();
    const [row] = await query(
      url,
      `select current_database() as database, current_setting('listen_addresses') as addresses,
         current_setting('unix_socket_directories') as sockets, current_setting('fsync') as fsync,
         current_setting('synchronous_commit') as synchronous, current_setting('shared_buffers') as buffers`,
    );
    expect(row).toEqual({
      database: 'sanmon',
      addresses: '127.0.0.1',
      sockets: '',
      fsync: 'on',
      synchronous: 'on',
      buffers: '64MB',
    });
    expect(Number(new URL(url).port)).toBeGreaterThanOrEqual(20_000);
    expect(Number(new URL(url).port)).toBeLessThan(30_000);
    expect(statSync(join(directory, 'embedded.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(['data', 'embedded.json', 'postgres.log']);
    await expect(query(url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      /password authentication failed/,
    );
    await query(url, 'create table note (text text)');
  });

  test('starts warm at the same address with its data', async () => {
    const first = await start();
    await query(first.url, `insert into note values ('warm')`);
    await first.stop();
    expect(isRunning(directory)).toBe(false);
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await notes(second.url)).toContain('warm');
  });

  test('moves to another port when a stranger has taken its own', async () => {
    const first = await start();
    await first.stop();
    const stranger = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
    await once(stranger, 'listening');
    const second = await start();
    stranger.close();
    expect(second.url).not.toBe(first.url);
    expect(await notes(second.url)).toContain('warm');
    await second.stop();
    expect((await start()).url).toBe(second.url);
  });

  test('two starts at once on a new directory share one server, which its owner stops', async () => {
    const fresh = join(work, 'fresh');
    const [one, other] = await Promise.all([start(fresh), start(fresh)]);
    expect(one.url).toBe(other.url);
    expect(logged.filter((line) => line.startsWith('adopted'))).toHaveLength(1);
    await query(one.url, 'select 1');
    await Promise.all([one.stop(), other.stop()]);
    expect(isRunning(fresh)).toBe(false);
    expect(readdirSync(fresh).sort()).toEqual(['data', 'embedded.json', 'postgres.log']);
  });

  test('an adopted server is not stopped by its adopter', async () => {
    const owner = startChild();
    const adopted = await owner.url.then(() => start());
    expect(adopted.url).toBe(await owner.url);
    await adopted.stop();
    expect(await notes(adopted.url)).toContain('warm');
  });

  test('goes away by itself when its application is killed, and starts again at once with its data', async () => {
    const child = startChild();
    await query(await child.url, `insert into note values ('before the kill')`);
    const postmaster = postmasterPid(directory);
    child.process.kill('SIGKILL');
    // No wait: the server still runs, and must not be adopted.
    const { url } = await start();
    expect(logged.filter(isStarted)).toHaveLength(1);
    expect(isRunning(directory, postmaster)).toBe(false);
    expect(await notes(url)).toContain('before the kill');
    await (await start()).stop();
    expect(readFileSync(join(directory, 'postgres.log'), 'utf8')).toContain('received fast shutdown request');
  });

  onLinux('a server whose application is dead is not adopted, however ready it is', async () => {
    const child = startChild();
    await child.url;
    // Holds the watcher back, which would stop the server in a moment.
    const [watcher] = watchersOf(directory);
    process.kill(watcher!, 'SIGSTOP');
    child.process.kill('SIGKILL');
    await once(child.process, 'close');
    let isUp = false;
    const next = start().finally(() => (isUp = true));
    await sleep(300);
    expect(isUp).toBe(false);
    process.kill(watcher!, 'SIGCONT');
    await next;
    expect(logged.filter(isStarted)).toHaveLength(1);
  });

  test('goes away by itself when its application is killed and none follows', async () => {
    const child = startChild();
    await child.url;
    child.process.kill('SIGKILL');
    await eventually(() => expect(existsSync(join(directory, 'data/postmaster.pid'))).toBe(false), { within: 30_000 });
  });

  test('recovers when server and application are killed together', async () => {
    const child = startChild();
    await query(await child.url, `insert into note values ('before both were killed')`);
    process.kill(postmasterPid(directory), 'SIGKILL');
    child.process.kill('SIGKILL');
    const { url } = await start();
    expect(await notes(url)).toContain('before both were killed');
    expect(readFileSync(join(directory, 'postgres.log'), 'utf8')).toContain('automatic recovery in progress');
  });

  test('comes back at the same address when the server alone is killed', async () => {
    const server = await start();
    const { url } = server;
    await query(url, `insert into note values ('before the server was killed')`);
    process.kill(postmasterPid(directory), 'SIGKILL');
    await eventually(async () => expect(await notes(url)).toContain('before the server was killed'), {
      within: 30_000,
    });
    await server.stop();
    expect(isRunning(directory)).toBe(false);
  });

  onLinux('a stale postmaster.pid that names an unrelated living process does not stop it', async () => {
    const first = await start();
    const file = join(directory, 'data/postmaster.pid');
    const content = readFileSync(file, 'utf8');
    await first.stop();
    // Of the server's own account, else PostgreSQL sees through it without our help.
    const { uid, gid } = statSync(join(directory, 'data'));
    const unrelated = spawn('sleep', ['60'], { uid, gid });
    await once(unrelated, 'spawn');
    writeFileSync(file, content.replace(/^\d+/, String(unrelated.pid)));
    chownSync(file, uid, gid);
    const { url } = await start();
    expect(await notes(url)).toContain('warm');
    expect(logged).toContainEqual(expect.stringContaining('stale postmaster.pid'));
    expect(isAlive(unrelated.pid!)).toBe(true);
    unrelated.kill();
  });

  test('a Ctrl-C for the whole process group lets the application finish its writes', async () => {
    const child = startChild();
    await child.url;
    const begun = performance.now();
    process.kill(-child.process.pid!, 'SIGINT');
    await once(child.process, 'close');
    expect(child.printed()).toContain('drained');
    expect(performance.now() - begun).toBeGreaterThan(500);
    expect(isRunning(directory)).toBe(false);
    expect(await notes((await start()).url)).toContain('drained');
  });

  test('tells why the server does not start', async () => {
    const options = { directory, staging, settings: { shared_buffers: 'plenty' } };
    await expect(startEmbeddedPostgres(options)).rejects.toThrow(
      /invalid value for parameter "shared_buffers".*DATABASE_URL/,
    );
  });

  test('tells when the password is lost, and leaves the data alone', async () => {
    const lost = join(work, 'lost');
    mkdirSync(join(lost, 'data'), { recursive: true });
    await expect(start(lost)).rejects.toThrow(/its password is gone.*DATABASE_URL/);
    expect(existsSync(join(lost, 'data'))).toBe(true);
  });

  test('tells what to do where the platform package is missing', async () => {
    mkdirSync(join(work, 'bare'));
    const child = startChild(projectIn(join(work, 'bare')));
    await expect(child.url).rejects.toThrow(/is not installed.*DATABASE_URL.*npm install --include=optional/);
  });

  test('tells what to do where the C library is another one, as on Alpine', async () => {
    const { project: alpine, data } = openProject();
    for (const part of ['bin', 'lib', '../dist']) mkdirSync(join(alpine.native, part), { recursive: true });
    for (const file of ['package.json', 'dist/index.js', 'native/pg-symlinks.json'])
      copyFileSync(join(locatePackage(), file), join(alpine.native, '..', file));
    // The kernel's answer to a missing loader is the same for a script as for a binary.
    writeFileSync(join(alpine.native, 'bin/postgres'), '#!/lib64/no-such-loader\n', { mode: 0o755 });
    await expect(startChild(alpine, data).url).rejects.toThrow(/Alpine.*DATABASE_URL.*glibc/);
  });

  test('runs where the package came without its links and is closed to writing', async () => {
    const { project: closed, data } = openProject(locatePackage());
    for (const link of linksOf(closed)) rmSync(link, { force: true });
    chmodSync(join(closed.native, 'lib'), 0o555);
    chownSync(data, USUAL.uid, USUAL.gid);
    const child = startChild(closed, data, USUAL);
    await query(await child.url, 'select 1');
    child.process.kill('SIGKILL');
    await eventually(() => expect(isRunning(data)).toBe(false));
    chmodSync(join(closed.native, 'lib'), 0o755);
  });

  asRoot('as root under a closed directory: the programs are copied, the data stay where they belong', async () => {
    const reachable = execFileSync('/bin/sh', ['-c', `cd "${work}" 2>&1 || true`], { ...NOBODY, encoding: 'utf8' });
    expect(reachable).toContain("can't cd");
    const child = startChild();
    const [row] = await query(await child.url, `select setting from pg_config where name = 'BINDIR'`);
    expect(row!.setting).toContain(staging);
    expect(statSync(join(directory, 'data/PG_VERSION')).uid).not.toBe(0);
  });

  asRoot('as root: data keep their account, else the caller of sudo, else postgres or nobody', async () => {
    const nowhere = join(work, 'nowhere');
    expect(await accountFor(nowhere, { uid: 1234, gid: 1235 })).toEqual({ uid: 1234, gid: 1235 });
    expect((await accountFor(nowhere, { uid: 0, gid: 0 }))?.uid).toBeGreaterThan(0);
    const theirs = join(work, 'theirs');
    const owner = NOBODY;
    await startEmbeddedPostgres({ directory: theirs, staging, owner }).then((postgres) => postgres.stop());
    expect(statSync(join(theirs, 'data')).uid).toBe(NOBODY.uid);
    expect(statSync(join(theirs, 'embedded.json')).uid).toBe(NOBODY.uid);
    expect(await accountFor(join(theirs, 'data'), { uid: 1234, gid: 1235 })).toEqual(NOBODY);
  });
});

const isStarted = (line: string) => line.startsWith('started');

async function query(url: string, sql: string): Promise<QueryResultRow[]> {
  const client = new Client(url);
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const notes = async (url: string) => (await query(url, 'select text from note')).map((row) => row.text);

function postmasterPid(directory: string): number {
  return Number(readFileSync(join(directory, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
}

/** The processes that stand in the data directory and are not PostgreSQL. */
function watchersOf(directory: string): number[] {
  const isOne = (pid: number) => {
    try {
      const program = readlinkSync(`/proc/${pid}/exe`);
      return readlinkSync(`/proc/${pid}/cwd`) === join(directory, 'data') && !program.endsWith('postgres');
    } catch {
      // Gone meanwhile, or not ours to see.
      return false;
    }
  };
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isOne(pid));
}

function isRunning(directory: string, pid?: number): boolean {
  if (!pid && !existsSync(join(directory, 'data/postmaster.pid'))) return false;
  const status = `/proc/${pid ?? postmasterPid(directory)}/status`;
  // A dead process that nobody has waited for yet is dead all the same.
  return existsSync(status)
    ? !readFileSync(status, 'utf8').includes('zombie')
    : isAlive(pid ?? postmasterPid(directory));
}

function linksOf({ native }: Project): string[] {
  const listed = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
  return listed.map(({ target }: { target: string }) => join(native, '..', target));
}
