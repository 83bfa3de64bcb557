import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { announce } from './announce.js';
import { freePort } from './ports.js';
import { awaitAmqp } from './rabbitmq-answers.js';
import { writeConfiguration } from './rabbitmq-configuration.js';
import type { RabbitMq, RabbitMqOptions } from './rabbitmq.js';

const IMAGE = 'rabbitmq:4';
const INSIDE = '/etc/rabbitmq/sanmon';

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run('docker', args, { maxBuffer: 1 << 24 })).stdout.trim();

/** Starts RabbitMQ as a container, or says why Docker cannot. Never run by its authors: they had no Docker engine. */
export async function startContainer({ directory, vhosts }: RabbitMqOptions): Promise<RabbitMq | string> {
  const engine = await docker('version', '--format', '{{.Server.Version}}').catch(() => '');
  if (!engine) return 'no Docker engine answers';
  const name = `sanmon-test-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
  const file = join(directory, 'container.json');
  const restarted = existsSync(file);
  const { port } = restarted
    ? (JSON.parse(readFileSync(file, 'utf8')) as { port: number })
    : { port: await freePort() };
  if (restarted) await docker('start', name);
  else {
    writeConfiguration(directory, vhosts, INSIDE);
    announce(`starting ${IMAGE} in Docker (the first time it is pulled) ...`);
    const volume = `${directory}:${INSIDE}:ro`;
    const config = [
      '-e',
      `RABBITMQ_CONFIG_FILE=${INSIDE}/rabbitmq.conf`,
      '-e',
      `RABBITMQ_ENABLED_PLUGINS_FILE=${INSIDE}/enabled_plugins`,
    ];
    // The node's name, and with it its data, hangs on the host name: it must be the same after a restart.
    await docker(
      'run',
      '-d',
      '--name',
      name,
      '--hostname',
      name,
      '-p',
      `127.0.0.1:${port}:5672`,
      '-v',
      volume,
      ...config,
      IMAGE,
    );
    writeFileSync(file, JSON.stringify({ port, name }));
  }
  const url = (vhost = '/') => `amqp://guest:guest@127.0.0.1:${port}/${encodeURIComponent(vhost)}`;
  await awaitAmqp(url(vhosts.at(-1)), () => undefined);
  return {
    way: 'docker',
    pid: undefined,
    url,
    ctl: (...args) => docker('exec', name, 'rabbitmqctl', ...args),
    stop: async () => void (await docker('stop', '-t', '10', name)),
    kill: async () => void (await docker('kill', name)),
  };
}

/** Removes the container that belongs to this directory, if there is one. */
export async function removeContainer(directory: string): Promise<void> {
  const file = join(directory, 'container.json');
  if (!existsSync(file)) return;
  const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name: string };
  await docker('rm', '-f', '-v', name).catch(() => undefined);
  rmSync(file);
}
