import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { unpackRabbitMq } from './rabbitmq-from-apt.js';
import { findInstalledRabbitMq, type Membership, type RabbitMqBinaries, startNode } from './rabbitmq-node.js';
import { killLeftover, recordProcesses } from './remains.js';
import type { RabbitMq, Way } from './rabbitmq.js';

/** Several RabbitMQ nodes on this machine that are one broker. */
export interface RabbitMqCluster {
  readonly nodes: readonly RabbitMq[];
  /** All addresses, separated by commas, as the product takes them. */
  url(vhost: string): string;
  /** `kill -9` of one node. */
  kill(node: number): Promise<void>;
  /** Brings a killed node back with its data, at its address. */
  startAgain(node: number): Promise<void>;
  /** How many quorum queues of a virtual host each node leads. */
  leaders(vhost: string): Promise<number[]>;
  stop(): Promise<void>;
}

/** Starts a cluster of Erlang nodes with ports of their own and one epmd; needs RabbitMQ's programs, not Docker. About 15 s. */
export async function startCluster(options: {
  directory: string;
  vhosts: string[];
  size?: number;
}): Promise<RabbitMqCluster> {
  const { directory, vhosts, size = 3 } = options;
  const [way, binaries] = await programs();
  const home = join(directory, 'home');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, '.erlang.cookie'), randomBytes(16).toString('hex').toUpperCase(), { mode: 0o400 });
  const epmdPort = await freePort();
  const amqpPorts: number[] = [];
  for (let i = 0; i < size; i++) amqpPorts.push(await freePort());
  const epmd = startEpmd(directory, binaries, epmdPort);
  const members: Membership[] = [];
  for (const amqp of amqpPorts)
    members.push({ ports: { amqp, distribution: await freePort(), epmd: epmdPort }, home, amqpPorts });
  const start = (i: number) =>
    startNode(way, binaries, { directory: join(directory, `node-${i}`), vhosts }, members[i]);

  const nodes: RabbitMq[] = [];
  // One after the other: the first forms the cluster, the others find it.
  for (let i = 0; i < size; i++) nodes.push(await start(i));
  return {
    nodes,
    url: (vhost) => nodes.map((node) => node.url(vhost)).join(','),
    kill: (i) => nodes[i]!.kill(),
    startAgain: async (i) => void (nodes[i] = await start(i)),
    leaders: async (vhost) => {
      const living = nodes.find((node) => alive(node));
      const told = await living!.ctl('-q', '-p', vhost, 'list_queues', 'leader');
      return amqpPorts.map((port) => told.split('\n').filter((line) => line.includes(`-${port}@`)).length);
    },
    stop: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      epmd.kill('SIGKILL');
      killLeftover(directory);
    },
  };
}

async function programs(): Promise<[Way, RabbitMqBinaries]> {
  const installed = findInstalledRabbitMq();
  if (typeof installed !== 'string') return ['installed', installed];
  const unpacked = await unpackRabbitMq();
  if (typeof unpacked !== 'string') return ['apt', unpacked];
  throw new Error(`A cluster needs the programs of RabbitMQ: ${installed}; ${unpacked}`);
}

/** Erlang's name server of this cluster; a node's own dies with the node, and the others would be found by nobody. */
function startEpmd(directory: string, { env }: RabbitMqBinaries, port: number): ChildProcess {
  const epmd = spawn('epmd', ['-port', String(port), '-address', '127.0.0.1'], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  epmd.unref();
  recordProcesses(directory, [{ pid: epmd.pid!, mark: String(port) }]);
  return epmd;
}

function alive({ pid }: RabbitMq): boolean {
  try {
    process.kill(pid!, 0);
    return true;
  } catch {
    return false;
  }
}
