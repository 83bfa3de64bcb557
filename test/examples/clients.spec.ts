import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.js';
import { useDatabase, useVhost } from '../support/fixtures.js';
import { KEY } from '../support/house.js';
import { freePort } from '../support/ports.js';
import { HouseProcess } from '../support/process.js';
import { clients, type Gate, lacksOfProtoc, PROTOC, ROOT, Running } from './clients.js';

// The clients of examples/, run as their README says against the built product.

const CONFIRMED: Record<Gate, string[]> = {
  REST: ['order-placed', 'order-authorised', 'order-reserved', 'order-confirmed', 'CONFIRMED'],
  gRPC: ['order-placed', 'order-authorised', 'order-reserved', 'order-confirmed', 'CONFIRMED'],
  RabbitMQ: ['PLACED', 'AUTHORISED', 'RESERVED', 'CONFIRMED'],
};
const DECLINED: Record<Gate, string[]> = {
  REST: ['order-placed', 'order-rejected', 'REJECTED payment-declined'],
  gRPC: ['order-placed', 'order-rejected', 'REJECTED payment-declined'],
  RabbitMQ: ['PLACED', 'REJECTED payment-declined'],
};

const database = useDatabase();
const vhost = useVhost();
let house: HouseProcess;
let environment: Record<string, string>;
const started: Running[] = [];

const start = (client: Running['client'], paymentMethod: string, more: Record<string, string> = {}): Running => {
  const running = new Running(client, paymentMethod, { ...environment, ...more });
  started.push(running);
  return running;
};

beforeAll(async () => {
  const run = promisify(execFile);
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'examples'], { cwd: ROOT }).catch(
    (error: { stdout: string }) => Promise.reject(new Error(`the examples do not compile:\n${error.stdout}`)),
  );
  mkdirSync(join(ROOT, '.examples/python'), { recursive: true });
  if (lacksOfProtoc.length === 0) await run('/bin/sh', ['-c', PROTOC], { cwd: ROOT });

  const grpcPort = String(await freePort());
  house = await HouseProcess.start({ DATABASE_URL: database.url, RABBITMQ_URL: vhost.url, GRPC_PORT: grpcPort });
  environment = {
    SANMON_URL: house.rest.origin,
    SANMON_GRPC: `127.0.0.1:${grpcPort}`,
    SANMON_KEY: KEY,
    RABBITMQ_URL: vhost.url,
  };
  await house.rest.put('/v1/items/tea', { name: 'Green tea', currency: 'JPY', unitPrice: 1200 });
  expect((await house.rest.post('/v1/items/tea/receipts', { quantity: 100 })).status).toBe(201);
});
afterAll(async () => {
  for (const running of started) running.kill();
  await house?.stop();
});

const absent = clients.filter(({ lacks }) => lacks.length > 0);
if (absent.length > 0)
  console.warn(
    `${absent.length} of ${clients.length} example clients are NOT TESTED on this machine:\n` +
      absent.map(({ command, lacks }) => `  ${command}: no ${lacks.join(', no ')}`).join('\n'),
  );

/** A test of one client; where the machine lacks what it needs, skipped, and the title says why. */
const itOf = ({ lacks }: Running['client'], title: string, body: () => Promise<void>): void =>
  lacks.length > 0 ? it.skip(`${title} (SKIPPED: no ${lacks.join(', no ')})`, body) : it(title, body);

describe.each(clients)('$command', (client) => {
  itOf(client, 'places an order and follows it until it is confirmed', async () => {
    const { code, id, lines, errors } = await start(client, 'pm_ok').end();
    expect({ code, lines, errors }).toEqual({ code: 0, lines: CONFIRMED[client.gate], errors });
    expect((await house.rest.get(`/v1/orders/${id}`)).body).toMatchObject({ state: 'CONFIRMED', total: 1200 });
  });

  itOf(client, 'follows an order whose payment is declined to its end, and says why', async () => {
    const { code, lines, errors } = await start(client, 'pm_declined').end();
    expect({ code, lines, errors }).toEqual({ code: 0, lines: DECLINED[client.gate], errors });
  });

  itOf(client, 'ends with what it was refused for, and not with 0', async () => {
    const wrong = Object.assign(new URL(vhost.url), { password: 'not-the-password' });
    const refused = { SANMON_KEY: 'not-a-key', RABBITMQ_URL: wrong.href };
    const { code, id, errors } = await start(client, 'pm_ok', refused).end();
    expect({ refused: code !== 0, id }).toEqual({ refused: true, id: '' });
    expect(errors).toMatch(client.gate === 'RabbitMQ' ? /ACCESS_REFUSED|access.refused/i : /unauthenticated/i);
  });

  it('stands in the README as it is run here', () => {
    const readmes = ['README.md', 'README.ja.md'].map((name) => readFileSync(join(ROOT, 'examples', name), 'utf8'));
    for (const readme of readmes) {
      expect(readme).toContain(`\n${client.command}\n`);
      expect(readme).toContain(PROTOC);
    }
  });
});

const resuming = clients.filter(({ resumes, lacks }) => resumes && lacks.length === 0);
const gates = resuming.map(({ command }) => command).join('; ');
it(`goes on where it was when the house is killed and comes back, without gap or duplicate: ${gates}`, async () => {
  // Its provider books and does not answer: some seconds in which the order is under way.
  const running = resuming.map((client) => start(client, 'pm_timeout_then_ok'));
  await eventually(
    () => {
      for (const { output, errors, client } of running)
        expect({ command: client.command, told: output.includes('order-placed'), errors }).toMatchObject({
          told: true,
        });
    },
    { within: 30_000 },
  );
  await house.kill();
  await house.startAgain();
  const ends = await Promise.all(running.map((r) => r.end()));
  expect(ends.map(({ code, lines, errors }) => ({ code, lines, errors }))).toEqual(
    resuming.map(({ gate }, i) => ({ code: 0, lines: CONFIRMED[gate], errors: ends[i]!.errors })),
  );
});
