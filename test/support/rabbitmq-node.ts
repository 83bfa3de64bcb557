import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { awaitAmqp } from './rabbitmq-answers.js';
import { freePort } from './ports.js';
import { writeConfiguration } from './rabbitmq-configuration.js';
import { killLeftover, recordProcesses } from './remains.js';
import type { RabbitMq, RabbitMqOptions, Way } from './rabbitmq.js';

/** Where RabbitMQ's scripts are, and what their environment needs beyond this process's own. */
export interface RabbitMqBinaries {
  scripts: string;
  env: NodeJS.ProcessEnv;
}

export interface Ports {
  amqp: number;
  distribution: number;
  epmd: number;
}

/** What a node of a cluster shares with the others: one epmd, which outlives each of them, one cookie, and their names. */
export interface Membership {
  ports: Ports;
  /** The directory of the Erlang cookie. */
  home: string;
  /** The ports of all nodes, its own among them. */
  amqpPorts: number[];
}

// Not /usr/sbin: that wrapper wants root or the user rabbitmq, and works in the system broker's own directories.
const PLACES = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/opt/rabbitmq/sbin', '/usr/local/opt/rabbitmq/sbin'];

// The shell stands between: when Node dies, however it dies, the pipe on its standard input ends and it kills the
// whole group, so that no run leaves a broker behind. epmd is started here because the one that Erlang starts by
// itself is a daemon that outlives its node. A background job of sh reads /dev/null: hence the pipe as number 3.
const SUPERVISOR = `
exec 3<&0
epmd -port "$ERL_EPMD_PORT" </dev/null 3<&- 4>&- & epmd=$!
"$1" </dev/null 3<&- 4>&- & broker=$!
echo $broker $epmd >&4
exec 4>&-
(read -r _ <&3; kill -KILL 0) &
exec 3<&-
wait $broker
kill -KILL 0
`;

/** The RabbitMQ installed on this machine, or why it cannot be used. */
export function findInstalledRabbitMq(): RabbitMqBinaries | string {
  const scripts = PLACES.find((place) => existsSync(join(place, 'rabbitmq-server')));
  return scripts ? { scripts, env: {} } : `no rabbitmq-server in ${PLACES.join(', ')}`;
}

/** Starts a private node: own name, ports, cookie, epmd and directories, 127.0.0.1 only. 3 to 6 s. */
export async function startNode(
  way: Way,
  binaries: RabbitMqBinaries,
  options: RabbitMqOptions,
  member?: Membership,
): Promise<RabbitMq> {
  const { directory, vhosts } = options;
  const home = member?.home ?? join(directory, 'home');
  killLeftover(directory);
  const known = join(directory, 'ports.json');
  const restarted = existsSync(known);
  const ports: Ports = restarted
    ? (JSON.parse(readFileSync(known, 'utf8')) as Ports)
    : (member?.ports ?? { amqp: await freePort(), distribution: await freePort(), epmd: await freePort() });
  const env = { ...environment(directory, ports, home), ...binaries.env };
  if (!restarted) writeConfiguration(directory, vhosts, directory, clusterOf(member));
  mkdirSync(home, { recursive: true });
  const url = (vhost = '/') => `amqp://guest:guest@127.0.0.1:${ports.amqp}/${encodeURIComponent(vhost)}`;

  const { supervisor, pid, epmd } = await spawnSupervised(join(binaries.scripts, 'rabbitmq-server'), directory, env);
  recordProcesses(directory, [
    { pid, mark: home },
    { pid: epmd, mark: String(ports.epmd) },
  ]);
  try {
    await awaitAmqp(url(vhosts.at(-1)), () => (ended(supervisor) ? lastWords(directory) : undefined));
  } catch (error) {
    await gone(supervisor, 0);
    throw error;
  }
  writeFileSync(known, JSON.stringify(ports));

  return {
    way,
    pid,
    url,
    ctl: async (...args) =>
      (await promisify(execFile)(join(binaries.scripts, 'rabbitmqctl'), args, { env, timeout: 60_000 })).stdout,
    stop: async () => {
      if (!ended(supervisor)) process.kill(pid, 'SIGTERM');
      await gone(supervisor, 5_000);
    },
    kill: () => gone(supervisor, 0),
  };
}

const nodeName = ({ amqp }: Pick<Ports, 'amqp'>) => `sanmon-test-${amqp}@localhost`;

// The side of a broken net that has no majority stops, so that no queue has two leaders.
const clusterOf = (member?: Membership): string[] =>
  member
    ? [
        'cluster_partition_handling = pause_minority',
        'cluster_formation.peer_discovery_backend = classic_config',
        ...member.amqpPorts.map((amqp, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${nodeName({ amqp })}`),
      ]
    : [];

function environment(directory: string, ports: Ports, home: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(RABBITMQ_|ERL_|NOTIFY_SOCKET$)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_NODENAME: nodeName(ports),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_PID_FILE: join(directory, 'pid'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(directory, 'advanced.config'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(directory, 'generated'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
    // No busy waiting (+sbwt): on two cores it takes from the tests what it gives to the broker.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none +B i',
    // Makes the script exec the VM: its pid is then the VM's, and no trap in a shell delays a signal.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
}

async function spawnSupervised(server: string, directory: string, env: NodeJS.ProcessEnv) {
  const output = openSync(join(directory, 'output'), 'a');
  const name = env.RABBITMQ_NODENAME ?? '';
  const supervisor = spawn('/bin/sh', ['-c', SUPERVISOR, name, server], {
    env,
    // A session of its own: Ctrl-C goes to Jest's group and must not end the broker under the tests' drains.
    detached: true,
    stdio: ['pipe', output, output, 'ignore', 'pipe'],
  });
  closeSync(output);
  const told = supervisor.stdio[4] as NodeJS.ReadableStream;
  const [line] = (await Promise.race([once(told, 'data'), once(supervisor, 'exit')])) as [Buffer | number];
  if (!Buffer.isBuffer(line)) throw new Error(`${server} did not start.\n${lastWords(directory)}`);
  for (const handle of [supervisor, supervisor.stdin, told]) (handle as { unref?: () => void }).unref?.();
  supervisor.stdin?.on('error', () => undefined);
  const [pid = 0, epmd = 0] = line.toString().split(' ').map(Number);
  return { supervisor, pid, epmd };
}

const ended = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

async function gone(supervisor: ChildProcess, patience: number): Promise<void> {
  const deadline = performance.now() + patience;
  while (!ended(supervisor) && performance.now() < deadline) await sleep(20);
  supervisor.stdin?.destroy();
  while (!ended(supervisor)) await sleep(5);
}

function lastWords(directory: string): string {
  const output = join(directory, 'output');
  const tail = existsSync(output) ? readFileSync(output, 'utf8').trimEnd().split('\n').slice(-30).join('\n') : '';
  return `RabbitMQ ended while it was starting. The end of ${output}:\n${tail}`;
}
