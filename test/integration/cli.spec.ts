import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type ChannelModel, connect } from 'amqplib';
import { Client } from 'pg';
import { MIGRATION_LOCK } from '../../src/database/migrate.js';
import { command, startCommand } from '../support/command.js';
import { eventually } from '../support/eventually.js';
import { rig, useDatabase, useVhost } from '../support/fixtures.js';
import { API_KEYS } from '../support/house.js';
import { Issuer } from '../support/issuer.js';
import { freePort } from '../support/ports.js';
import { createDatabase, dropDatabase, rowsOf } from '../support/postgres.js';
import { RestClient } from '../support/rest-client.js';
import { startSmtpSink } from '../support/smtp-sink.js';

const ROOT = join(import.meta.dirname, '../..');
const database = useDatabase();
const vhost = useVhost();
const GIVEN = { API_KEYS, MESSAGE_SECRET: 'the secret of the commands', HOST: '127.0.0.1' };

/** The lines of a report about one thing. */
const about = (lines: string[], thing: string): string[] =>
  lines.filter((line) => line.slice(6).startsWith(`${thing} `));

describe('the command line', () => {
  it('says what there is to say, and ends with 64 when it does not understand', async () => {
    const [help, none, wrong, option] = await Promise.all(
      ['--help', '', 'strat', 'openapi --pretty'].map((words) => command(words)),
    );
    for (const name of ['start', 'sandbox', 'migrate', 'migrate status', 'check', 'openapi', 'asyncapi'])
      expect(help!.lines.some((line) => line.startsWith(`  ${name} `))).toBe(true);
    expect([help!.code, none!.code, none!.out]).toEqual([0, 0, help!.out]);
    expect([wrong!.code, wrong!.out]).toEqual([64, '']);
    expect(wrong!.err).toContain('there is no command "strat"');
    expect([option!.code, option!.err]).toEqual([64, expect.stringContaining('--pretty')]);
  });

  it('prints the documents as they are published, and needs no setting for it', async () => {
    for (const name of ['openapi', 'asyncapi']) {
      const { code, out } = await command(name, { PORT: 'none' });
      expect([code, out]).toEqual([0, readFileSync(join(ROOT, `docs/contracts/${name}.json`), 'utf8')]);
    }
  });

  it('starts the product, which closes in order at SIGTERM', async () => {
    const port = await freePort();
    const house = startCommand(['start'], { ...GIVEN, DATABASE_URL: database.url, PORT: `${port}`, GRPC_PORT: '0' });
    const client = new RestClient(`http://127.0.0.1:${port}`, '');
    await eventually(async () => expect((await client.get('/readyz')).status).toBe(200), { within: 60_000 });
    house.kill('SIGTERM');
    expect(await once(house, 'exit')).toEqual([0, null]);
  });

  it.each(['start', 'migrate', 'check'])('%s ends at SIGTERM while it waits for what does not answer', async (name) => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const asked = once(silent, 'connection');
    const child = startCommand([name], { ...GIVEN, DATABASE_URL: `postgres://127.0.0.1:${port}/silent` });
    try {
      await asked;
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([143, null]);
    } finally {
      child.kill('SIGKILL');
      silent.close();
    }
  });

  it('starts the sandbox alone, whose database is that of payments', async () => {
    const sandbox = startCommand(['sandbox', '--port=0'], { PAYMENTS_DATABASE_URL: database.url });
    const [line] = (await once(sandbox.stdout!, 'data')) as [Buffer];
    const answer = await fetch(`${/http\S+/.exec(line.toString())![0]}/operations/nobody-asked`);
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ booked: false })]);
    sandbox.kill('SIGTERM');
    expect(await once(sandbox, 'exit')).toEqual([0, null]);
    const homeless = await command('sandbox');
    expect([homeless.code, homeless.err]).toEqual([1, expect.stringContaining('PAYMENTS_DATABASE_URL')]);
  });
});

it('sanmon migrate does what is pending for the modules of this process, and its status knows what was done', async () => {
  const name = `cli_${randomBytes(4).toString('hex')}`;
  const url = await createDatabase(rig().postgres, name);
  const given = { DATABASE_URL: url, MODULES: 'payments,inventory', RABBITMQ_URL: 'amqp://nowhere', ...GIVEN };
  const schemas = () => rowsOf(url, `SELECT nspname FROM pg_namespace WHERE nspname IN ('orders', 'payments')`);
  try {
    const before = await command('migrate status', given);
    expect(before.code).toBe(1);
    expect(before.out).toMatch(/^ {2}payments +0 applied; pending: Payments\d+, /m);
    expect(before.out).not.toContain('Orders');
    expect(await schemas()).toEqual([]);

    // While another process is at it, it waits and says so, and claims nothing of what the other one did.
    const another = new Client({ connectionString: url });
    await another.connect();
    await another.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const waiting = startCommand(['migrate'], given);
    let heard = '';
    waiting.stdout!.on('data', (text: Buffer) => (heard += text.toString()));
    await eventually(() => expect(heard).toContain('another process'), { within: 30_000 });
    const [done] = await Promise.all([command('migrate', given), another.end()]);
    await eventually(() => expect(waiting.exitCode).toBe(0), { within: 30_000 });
    expect([done.code, done.err]).toEqual([0, '']);
    const [first, second] = [done.out, heard].map((said) => /migrated: Access|nothing to do/.exec(said)?.[0]);
    expect([first, second].sort()).toEqual(['migrated: Access', 'nothing to do']);
    const after = await command('migrate status', given);
    expect([after.code, after.out]).toEqual([
      0,
      expect.stringMatching(/^ {2}payments +\d+ applied; nothing pending$/m),
    ]);
    expect(await schemas()).toEqual([{ nspname: 'payments' }]);

    await rowsOf(url, `INSERT INTO sanmon_migrations (timestamp, name) VALUES (1, 'PaymentsLoyalty1900000000001')`);
    const newer = await command('migrate status', given);
    expect([newer.code, newer.out]).toEqual([
      1,
      expect.stringMatching(/payments .*newer.*: PaymentsLoyalty1900000000001$/m),
    ]);
  } finally {
    await dropDatabase(rig().postgres, name);
  }
});

it('does not wait for a database that is not there, and ends with 78 when the settings are wrong', async () => {
  const [away, wrong] = await Promise.all([
    command('migrate', { DATABASE_URL: `postgres://127.0.0.1:${await freePort()}/none` }),
    command('check', { PORT: 'none' }),
  ]);
  expect([away.code, away.err]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
  expect([wrong.code, wrong.err]).toEqual([78, expect.stringContaining('PORT: expected')]);
});

describe('sanmon check', () => {
  let broker: ChannelModel;
  const given = () => ({ DATABASE_URL: database.url, RABBITMQ_URL: vhost.url, ...GIVEN });
  beforeAll(async () => {
    broker = await connect(vhost.url);
  });
  afterAll(() => broker.close());

  it('finds all well, declares nothing and sends nothing, and shows no secret', async () => {
    const mail = await startSmtpSink();
    const issuer = await Issuer.open();
    const { code, lines, out } = await command('check', { ...given(), ...issuer.settings, SMTP_URL: mail.url });
    await Promise.all([mail.stop(), issuer.close()]);
    expect([code, lines.filter((line) => !/^(ok|warn) /.test(line))]).toEqual([0, []]);
    for (const thing of [
      'settings',
      'tokens',
      'database',
      'rights',
      'durability',
      'clock',
      'schema',
      'broker',
      'provider',
      'e-mail',
    ])
      expect([thing, about(lines, thing)]).toEqual([thing, [expect.stringMatching(/^ok /)]]);
    expect(about(lines, 'topology')).toEqual([expect.stringMatching(/^warn .*not there: .*sanmon\.orders\.internal/)]);
    expect(mail.mails).toEqual([]);
    expect(out).not.toMatch(/the secret of|a-key-of|:guest@/);
    const channel = await broker.createChannel();
    channel.on('error', () => undefined);
    await expect(channel.checkQueue('sanmon.orders')).rejects.toThrow('NOT_FOUND');
  });

  it('says of a queue that differs what a start says of it, and of one that is ours nothing', async () => {
    const channel = await broker.createChannel();
    await channel.assertQueue('sanmon.orders.dead', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.assertQueue('sanmon.orders', { durable: true });
    const { code, lines } = await command('check', given());
    expect(code).toBe(1);
    const [differs, missing] = about(lines, 'topology');
    expect(differs).toMatch(/^fail .*the queue sanmon\.orders exists with other settings: x-.* is .* on the broker/);
    expect(missing).toMatch(/^warn .*not there: /);
    expect(missing).not.toMatch(/sanmon\.orders[.,]dead|sanmon\.orders,/);
  });

  it('looks at everything even when nothing answers, and says what to do', async () => {
    const port = await freePort();
    const { code, lines } = await command('check', {
      DATABASE_URL: `postgres://127.0.0.1:${port}/none`,
      RABBITMQ_URL: `amqp://127.0.0.1:${port}`,
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      PAYMENT_SANDBOX_URL: `http://127.0.0.1:${port}`,
      JWT_JWKS_URL: `http://127.0.0.1:${port}/keys`,
      JWT_ISSUER: 'https://id.example',
      JWT_AUDIENCE: 'shop',
    });
    expect(code).toBe(1);
    for (const thing of ['tokens', 'database', 'broker', 'provider', 'e-mail'])
      expect([thing, about(lines, thing)]).toEqual([thing, [expect.stringMatching(/^fail .*ECONNREFUSED.*\. .+\.$/)]]);
  });

  it('knows what a user without rights would fail at, and whether prices can be asked', async () => {
    const role = `poor_${randomBytes(4).toString('hex')}`;
    await rowsOf(database.url, `CREATE ROLE ${role} LOGIN PASSWORD 'poor'`);
    try {
      const url = Object.assign(new URL(database.url), { username: role, password: 'poor' }).href;
      const split = { MODULES: 'orders', INVENTORY_GRPC_URL: `ipv4:127.0.0.1:${await freePort()}` };
      const { code, lines } = await command('check', { ...given(), ...split, DATABASE_URL: url });
      expect(code).toBe(1);
      expect(about(lines, 'rights')).toEqual([
        expect.stringMatching(/may not make schemas.*does not own .*orders.*OWNER TO/),
      ]);
      expect(about(lines, 'prices')).toEqual([expect.stringMatching(/^warn .*does not answer/)]);
      expect(about(lines, 'e-mail')).toEqual([]);
    } finally {
      await rowsOf(database.url, `DROP ROLE ${role}`);
    }
  });
});
