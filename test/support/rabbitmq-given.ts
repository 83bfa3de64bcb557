import { answersAmqp } from './rabbitmq-answers.js';
import type { RabbitMq } from './rabbitmq.js';

/**
 * Uses exactly the broker of `TEST_AMQP_URL`, for machines that provide one (a service container in CI).
 * The tests' virtual hosts are made anew through its management API: `TEST_AMQP_MANAGEMENT_URL`, by default the same
 * host and user at port 15672. Two runs at once on one such broker would take each other's virtual hosts.
 */
export async function useGivenRabbitMq(vhosts: string[]): Promise<RabbitMq | string> {
  const given = process.env.TEST_AMQP_URL;
  if (!given) return 'TEST_AMQP_URL is not set';
  try {
    await answersAmqp(given);
  } catch (error) {
    throw new Error(`TEST_AMQP_URL is set, but there is no broker to be reached at ${hide(given)}.`, { cause: error });
  }
  const api = managementOf(given);
  await Promise.all(vhosts.map((vhost) => renew(api, vhost)));
  const refused = () => Promise.reject(new Error('The broker of TEST_AMQP_URL is not ours to stop, kill or command.'));
  return {
    way: 'given',
    pid: undefined,
    url: (vhost = '/') => Object.assign(new URL(given), { pathname: `/${encodeURIComponent(vhost)}` }).href,
    ctl: refused,
    stop: () => Promise.resolve(),
    kill: refused,
  };
}

function managementOf(given: string): URL {
  const own = process.env.TEST_AMQP_MANAGEMENT_URL;
  if (own) return new URL(own);
  const { username, password, hostname } = new URL(given);
  return new URL(`http://${username || 'guest'}:${password || 'guest'}@${hostname}:15672`);
}

async function renew(api: URL, vhost: string): Promise<void> {
  const user = decodeURIComponent(api.username);
  const name = encodeURIComponent(vhost);
  await call(api, 'DELETE', `vhosts/${name}`);
  await call(api, 'PUT', `vhosts/${name}`);
  const all = { configure: '.*', write: '.*', read: '.*' };
  await call(api, 'PUT', `permissions/${name}/${encodeURIComponent(user)}`, all);
}

async function call(api: URL, method: 'PUT' | 'DELETE', path: string, body: object = {}): Promise<void> {
  const credentials = `${decodeURIComponent(api.username)}:${decodeURIComponent(api.password)}`;
  const where = `${api.origin}/api/${path}`;
  let response: Response;
  try {
    response = await fetch(where, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: method === 'PUT' ? JSON.stringify(body) : null,
    });
  } catch (error) {
    const hint = 'set TEST_AMQP_MANAGEMENT_URL to its management API (http://user:password@host:15672)';
    throw new Error(`The broker of TEST_AMQP_URL needs virtual hosts; ${hint}.`, { cause: error });
  }
  if (!response.ok && !(method === 'DELETE' && response.status === 404)) {
    throw new Error(`${method} ${where} answered ${response.status}: ${await response.text()}`);
  }
}

const hide = (url: string) => url.replace(/\/\/[^@/]*@/, '//');
