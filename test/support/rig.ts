import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { timed } from './announce.js';
import { createDatabase, dropDatabase, startPostgres } from './postgres.js';
import { startRabbitMq } from './rabbitmq.js';
import { removeContainer } from './rabbitmq-in-docker.js';
import { isAlive, killLeftover } from './remains.js';

/** The database every test database is copied from. */
export const TEMPLATE = 'sanmon_template';

/** How the test files learn of the servers: this variable holds a `Rig` as JSON. */
export const RIG_VARIABLE = 'SANMON_TEST_RIG';

/** What global setup brought up for all test files of one run. */
export interface Rig {
  /** Gone after the run; a test may keep files here. */
  directory: string;
  postgres: string;
  amqp: string;
  vhosts: string[];
}

// Each costs 20 ms at the boot of the broker. A test file takes one or a few and never gives one back.
const VHOSTS = Array.from({ length: 100 }, (_, index) => `sanmon-test-${index}`);

/** Brings up PostgreSQL (with the migrated template) and RabbitMQ side by side; returns how to take them down. */
export async function bringUp(base: string): Promise<{ rig: Rig; takeDown: () => Promise<void> }> {
  await removeDeadRuns(base);
  const directory = join(base, `run-${process.pid}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, 'taken'), { recursive: true });

  const started: Array<{ stop(): Promise<void> }> = [];
  const takeDown = async () => {
    await Promise.allSettled(started.map((server) => server.stop()));
    await removeRun(directory);
  };
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>) => {
    const server = await starting;
    started.push(server);
    return server;
  };
  const postgres = keep(startPostgres(join(directory, 'postgres')));
  const database = postgres.then(async ({ url }) => {
    await dropDatabase(url, TEMPLATE);
    // Not at the top: it loads the whole product, and every test file with a fixture imports this file.
    const { migrateTemplate } = await import('./template.js');
    await migrateTemplate(await createDatabase(url, TEMPLATE));
    return url;
  });
  const broker = keep(startRabbitMq({ directory: join(directory, 'rabbitmq'), vhosts: VHOSTS }));
  const outcomes = await Promise.allSettled([
    timed(() => 'PostgreSQL with a migrated template', database),
    timed(({ way }) => `RabbitMQ (${way})`, broker),
  ]);
  const [first, second] = outcomes;
  if (first.status === 'fulfilled' && second.status === 'fulfilled') {
    const rig = { directory, postgres: first.value, amqp: second.value.url(), vhosts: VHOSTS };
    return { rig, takeDown };
  }
  const reasons: unknown[] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  await takeDown();
  throw reasons.length === 1 ? reasons[0] : new AggregateError(reasons, reasons.map(String).join('\n'));
}

/** Removes what runs left behind that were killed themselves: processes, containers, directories. */
async function removeDeadRuns(base: string): Promise<void> {
  if (!existsSync(base)) return;
  for (const name of readdirSync(base)) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1]);
    if (!pid || pid === process.pid || isAlive(pid)) continue;
    await removeRun(join(base, name));
  }
}

// A test file may have started brokers of its own in directories beside ours.
async function removeRun(directory: string): Promise<void> {
  for (const name of readdirSync(directory)) {
    killLeftover(join(directory, name));
    await removeContainer(join(directory, name));
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
