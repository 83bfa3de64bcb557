import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, dropDatabase } from './postgres.js';
import { RIG_VARIABLE, TEMPLATE, type Rig } from './rig.js';

/** A database or virtual host that exists while the tests of this file run; reading `url` earlier throws. */
export interface Borrowed {
  readonly url: string;
}

/** A private copy of the migrated template for this test file, dropped after it. */
export function useDatabase(): Borrowed {
  return during(cloneDatabase, dropClone);
}

/** A private, empty virtual host of the private broker for this test file. */
export function useVhost(): Borrowed {
  return during(takeVhost);
}

/** A private copy of the migrated template; the run's end takes it away if `dropClone` does not. */
export async function cloneDatabase(): Promise<string> {
  return createDatabase(rig().postgres, `t_${randomBytes(6).toString('hex')}`, TEMPLATE);
}

/** Drops a copy together with the connections still open to it. */
export async function dropClone(url: string): Promise<void> {
  await dropDatabase(rig().postgres, new URL(url).pathname.slice(1));
}

/** An empty virtual host that no other test of this run has had or will get. */
export async function takeVhost(): Promise<string> {
  const { directory, vhosts, amqp } = rig();
  // mkdir is atomic between Jest's workers.
  const free = vhosts.find((vhost) => made(join(directory, 'taken', vhost)));
  if (!free)
    throw new Error(`All ${vhosts.length} virtual hosts are taken: raise their number in test/support/rig.ts.`);
  return Object.assign(new URL(amqp), { pathname: `/${free}` }).href;
}

/** What global setup brought up. */
export function rig(): Rig {
  const told = process.env[RIG_VARIABLE];
  if (told) return JSON.parse(told) as Rig;
  throw new Error('This test needs the servers of the test rig, and SANMON_TEST_SERVERS=off left them down.');
}

function made(directory: string): boolean {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function during(begin: () => Promise<string>, end?: (url: string) => Promise<void>): Borrowed {
  let current: string | undefined;
  beforeAll(async () => {
    current = await begin();
  });
  afterAll(async () => {
    if (current && end) await end(current);
  });
  return {
    get url() {
      if (current === undefined) throw new Error('The url exists from beforeAll on: read it inside a test or a hook.');
      return current;
    },
  };
}
