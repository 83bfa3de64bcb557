import { readFile, stat } from 'node:fs/promises';

/** An account of the operating system. */
export interface Account {
  uid: number;
  gid: number;
}

const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/**
 * The account PostgreSQL is to run as; undefined means ours. Root needs another one, for PostgreSQL refuses root:
 * the owner of data that exist already, else the given owner (who called sudo), else `postgres`, else `nobody`.
 */
export async function accountFor(data: string, owner?: Account): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await stat(data).catch(() => undefined);
  if (existing && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  if (owner && owner.uid !== 0) return owner;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return named(passwd, 'postgres') ?? named(passwd, 'nobody') ?? NOBODY;
}

function named(passwd: string, name: string): Account | undefined {
  const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? [];
  return uid && gid && uid !== '0' ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/**
 * What PostgreSQL is to be told as its data directory, when started inside it.
 *
 * An account we dropped to may be unable to walk to the data (a project in /root, which is 0700). Linux lets a
 * process use its working directory all the same, under the name /proc/self/cwd: so the data stay where DATA_DIR
 * says, whatever lies above. PostgreSQL never leaves its data directory, and its children inherit it.
 */
export function dataArgument(data: string, account: Account | undefined): string {
  return account && process.platform === 'linux' ? '/proc/self/cwd' : data;
}

/** The whole environment of every program started here: no PG* variable of ours may reach it. */
export const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
