import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/database/embedded/embedded-postgres.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';

/** A primary whose every commit also stands on a second server before it is acknowledged. */
export class PrimaryAndStandby {
  private constructor(
    readonly primary: EmbeddedPostgres,
    private readonly directory: string,
    private readonly coming: Promise<EmbeddedPostgres>,
    private readonly standbyUrl: string,
  ) {}

  static async start(directory: string): Promise<PrimaryAndStandby> {
    const primary = await startEmbeddedPostgres({ directory: join(directory, 'primary') });
    const port = await freePort();
    const standby = join(directory, 'standby');
    await copyCluster(primary.url, join(directory, 'primary'), standby, port);
    // It answers as started once it is promoted: until then it only follows.
    const coming = startEmbeddedPostgres({ directory: standby });
    coming.catch(() => undefined);
    const pair = new PrimaryAndStandby(
      primary,
      directory,
      coming,
      Object.assign(new URL(primary.url), { port: String(port) }).href,
    );
    await eventually(() => pair.follows(), { within: 30_000, every: 200 });
    await ask(primary.url, `ALTER SYSTEM SET synchronous_standby_names = '*'`);
    await ask(primary.url, 'SELECT pg_reload_conf()');
    return pair;
  }

  /** The primary dies without a word and never comes back; the standby takes its place. Answers its address. */
  async failOver(): Promise<string> {
    const pid = readFileSync(join(this.directory, 'primary/data/postmaster.pid'), 'utf8').split('\n')[0];
    const stopping = this.primary.stop();
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It was quicker.
    }
    await stopping;
    await ask(this.standbyUrl, 'ALTER SYSTEM RESET synchronous_standby_names');
    await ask(this.standbyUrl, 'SELECT pg_promote()');
    return (await this.coming).url;
  }

  async stop(): Promise<void> {
    await this.primary.stop();
    await ask(this.standbyUrl, 'SELECT pg_promote()').catch(() => undefined);
    await (await this.coming).stop();
  }

  private async follows(): Promise<void> {
    const rows = await ask(this.primary.url, `SELECT state FROM pg_stat_replication`);
    expect(rows).toEqual([{ state: 'streaming' }]);
  }
}

/** A copy of a running cluster by the low-level backup of PostgreSQL: its binaries bring no pg_basebackup. */
async function copyCluster(url: string, from: string, to: string, port: number): Promise<void> {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`SELECT pg_backup_start('standby', true)`);
    // With owner and rights: run as root, PostgreSQL runs as somebody else.
    execFileSync('cp', ['-a', join(from, 'data'), join(to, 'data')]);
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    const data = join(to, 'data');
    rmSync(join(data, 'postmaster.pid'), { force: true });
    const { username, password, port: primaryPort } = new URL(url);
    appendFileSync(
      join(data, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=127.0.0.1 port=${primaryPort} user=${username} password=${password}'\n`,
    );
    writeFileSync(join(data, 'backup_label'), rows[0]!.labelfile);
    writeFileSync(join(data, 'standby.signal'), '');
    execFileSync('chown', [
      '--reference',
      join(data, 'PG_VERSION'),
      join(data, 'backup_label'),
      join(data, 'standby.signal'),
    ]);
  } finally {
    await client.end();
  }
  cpSync(join(from, 'embedded.json'), join(to, 'embedded.json'));
  const credentials = JSON.parse(readFileSync(join(to, 'embedded.json'), 'utf8')) as object;
  writeFileSync(join(to, 'embedded.json'), JSON.stringify({ ...credentials, port }));
}

async function ask(url: string, text: string): Promise<object[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return (await client.query<object>(text).finally(() => client.end())).rows;
}
