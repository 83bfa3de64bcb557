import { findInstalledRabbitMq, startNode } from './rabbitmq-node.js';
import { unpackRabbitMq } from './rabbitmq-from-apt.js';
import { startContainer } from './rabbitmq-in-docker.js';
import { useGivenRabbitMq } from './rabbitmq-given.js';

/** A broker of the tests' own; with `TEST_AMQP_URL` the given one, which can be neither stopped nor killed. */
export interface RabbitMq {
  /** Which of the ways brought it up, and its version where it is known cheaply. */
  readonly way: Way;
  /** The Erlang VM's process, for `kill -STOP` and the like; undefined where it is not a process of this machine. */
  readonly pid: number | undefined;
  url(vhost?: string): string;
  /** Runs rabbitmqctl; each call costs about 1 s. */
  ctl(...args: string[]): Promise<string>;
  /** Ends it in order and keeps its data: starting again in the same directory brings the same node back. */
  stop(): Promise<void>;
  /** `kill -9`; starting again in the same directory brings the same node back, at the same port. */
  kill(): Promise<void>;
}

/** How a broker can be had, in the order in which they are tried. */
export type Way = 'given' | 'installed' | 'apt' | 'docker';

/** The ways to a broker that a test may kill. */
export const PRIVATE: Way[] = ['installed', 'apt', 'docker'];

/** Where the node keeps its data and which virtual hosts exist from its first boot (guest/guest may use all). */
export interface RabbitMqOptions {
  directory: string;
  vhosts: string[];
  /** Default: `TEST_AMQP_URL` alone if it is set, otherwise `PRIVATE`. */
  ways?: Way[];
}

const starters: Record<Way, (options: RabbitMqOptions) => Promise<RabbitMq | string>> = {
  given: ({ vhosts }) => useGivenRabbitMq(vhosts),
  installed: async (options) => {
    const binaries = findInstalledRabbitMq();
    return typeof binaries === 'string' ? binaries : startNode('installed', binaries, options);
  },
  apt: async (options) => {
    const binaries = await unpackRabbitMq();
    return typeof binaries === 'string' ? binaries : startNode('apt', binaries, options);
  },
  docker: startContainer,
};

/**
 * Brings up a RabbitMQ by the first way this machine offers. A way that is not there is passed over, a way that is
 * there and fails is an error: otherwise a broken node would quietly become a download.
 */
export async function startRabbitMq(options: RabbitMqOptions): Promise<RabbitMq> {
  const ways = options.ways ?? (process.env.TEST_AMQP_URL ? ['given' as const] : PRIVATE);
  const missing: string[] = [];
  for (const way of ways) {
    const outcome = await starters[way](options);
    if (typeof outcome !== 'string') return outcome;
    missing.push(`  ${way}: ${outcome}`);
  }
  throw new Error(
    [
      'These tests need a RabbitMQ and found no way to one:',
      ...missing,
      'Any one of these will do: install rabbitmq-server (nothing of it has to run); have apt-get on Debian or Ubuntu',
      '(no root needed, 38 MB are unpacked into a cache); run Docker; or set TEST_AMQP_URL.',
    ].join('\n'),
  );
}
