import { transformFile } from '@swc/core';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { dirname, join, relative } from 'node:path';
import type { Answer, Settled } from '../../src/payments/providers/provider.js';
import { SandboxClient } from '../../src/payments/providers/sandbox.client.js';
import { startSandbox, type Sandbox } from '../../src/payments/providers/sandbox/server.js';
import { eventually } from '../support/eventually.js';
import { useDatabase } from '../support/fixtures.js';
import { stopwatch } from '../support/stopwatch.js';

let last = 0;
const newKey = () => `key-${++last}`;
const authorising = (method: string, key = newKey()) => ({
  key,
  method,
  amount: 1200,
  currency: 'JPY',
  orderId: `ord_${key}`,
});
const referenceIn = (answer: object) => (answer as { reference: string }).reference;
const refused = (reason: string) => ({ outcome: 'refused', reason });
const ok = { outcome: 'ok', reference: expect.stringMatching(/^auth_/) };
const unknown = expect.objectContaining({ outcome: 'unknown' });

describe('The sandbox payment provider', () => {
  const database = useDatabase();
  let sandbox: Sandbox;
  let client: SandboxClient;

  beforeAll(async () => {
    sandbox = await startSandbox({ databaseUrl: database.url });
    client = new SandboxClient(sandbox.url);
  });
  afterAll(async () => {
    for (const undo of leftOver.splice(0)) undo();
    await sandbox.close();
  });

  const bookingsOf = async (orderId: string) =>
    (await (await fetch(`${sandbox.url}/ledger?orderId=${orderId}`)).json()) as Record<string, unknown>[];
  const granted = async (method = 'pm_ok') => {
    const call = authorising(method);
    return { call, reference: referenceIn(await client.authorise(call, 5000)) };
  };

  describe('authorises by the method', () => {
    it.each([
      ['pm_ok', 'pm_ok', ok],
      ['pm_capture_fails', 'pm_capture_fails', ok],
      ['pm_declined', 'pm_declined', refused('payment-declined')],
      ['pm_insufficient_funds', 'pm_insufficient_funds', refused('insufficient-funds')],
      ['what PostgreSQL cannot store', 'クレカ\0\ud800', refused('unknown-payment-method')],
      ['what is far too long', 'x'.repeat(5000), refused('unknown-payment-method')],
    ])('%s: books its answer, gives it again and finds it', async (_name, method, expected) => {
      const call = authorising(method);
      const answer = await client.authorise(call, 5000);
      expect(answer).toEqual(expected);
      expect(await client.authorise(call, 5000)).toEqual(answer);
      expect(await client.find(call.key, 5000)).toEqual({ booked: true, answer });
      expect(await bookingsOf(call.orderId)).toHaveLength(1);
    });

    it('pm_slow is answered after two seconds and booked before', async () => {
      // Another one after a stall, in which it may have been answered before we looked.
      const { call, slow } = await eventually(async () => {
        const call = authorising('pm_slow');
        let answered = false;
        const slow = client.authorise(call, 9000).finally(() => (answered = true));
        await eventually(async () => expect(await client.find(call.key, 5000)).toMatchObject({ booked: true }));
        expect(answered).toBe(false);
        return { call, slow };
      });
      const again = Date.now();
      expect(await client.authorise(call, 9000)).toEqual(ok);
      expect(Date.now() - again).toBeGreaterThanOrEqual(1990);
      expect(await slow).toEqual(ok);
    });

    it('pm_timeout_then_ok is booked but not answered the first time, for the capture too', async () => {
      const call = authorising('pm_timeout_then_ok');
      expect(await client.authorise(call, 300)).toEqual({ outcome: 'unknown', why: 'timeout' });
      const found = await eventually(async () => {
        const booking = await client.find(call.key, 5000);
        expect(booking).toEqual({ booked: true, answer: ok });
        return booking as { booked: true; answer: Settled };
      });
      expect(await client.authorise(call, 5000)).toEqual(found.answer);
      const capture = { key: newKey(), reference: referenceIn(found.answer), amount: 1200 };
      expect(await client.capture(capture, 300)).toEqual(unknown);
      expect(await client.capture(capture, 5000)).toEqual(found.answer);
      expect((await bookingsOf(call.orderId)).map(({ kind }) => kind)).toEqual(['authorise', 'capture']);
    });

    it('pm_error_then_ok fails twice per key with nothing booked, for the capture too', async () => {
      const call = authorising('pm_error_then_ok');
      for (let n = 0; n < 2; n++) {
        expect(await client.authorise(call, 5000)).toEqual({ outcome: 'unknown', why: 'status 500' });
        expect(await client.find(call.key, 5000)).toEqual({ booked: false });
      }
      const answer = await client.authorise(call, 5000);
      const capture = { key: newKey(), reference: referenceIn(answer), amount: 1200 };
      const answers = [];
      for (let n = 0; n < 4; n++) answers.push(await client.capture(capture, 5000));
      expect(answers).toEqual([unknown, unknown, answer, answer]);
    });

    it('pm_unavailable never answers anything but 503 and books nothing', async () => {
      const call = authorising('pm_unavailable');
      for (let n = 0; n < 4; n++)
        expect(await client.authorise(call, 5000)).toEqual({ outcome: 'unknown', why: 'status 503' });
      expect(await client.find(call.key, 5000)).toEqual({ booked: false });
      expect(await bookingsOf(call.orderId)).toEqual([]);
    });

    it('pm_capture_fails refuses every capture, then lets the authorisation be voided', async () => {
      const { reference } = await granted('pm_capture_fails');
      const capture = () => client.capture({ key: newKey(), reference, amount: 1200 }, 5000);
      expect([await capture(), await capture()]).toEqual([refused('capture-failed'), refused('capture-failed')]);
      expect(await client.void({ key: newKey(), reference }, 5000)).toEqual({ outcome: 'ok', reference });
    });
  });

  describe('books a key once', () => {
    it.each(['authorise', 'capture', 'refund'] as const)('however often %s is called at once', async (kind) => {
      const { call, reference } = await granted();
      const about = { key: newKey(), reference, amount: 100 };
      if (kind === 'refund') await client.capture({ ...about, key: newKey(), amount: 1200 }, 5000);
      const other = authorising('pm_ok');
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          kind === 'authorise' ? client.authorise(other, 9000) : client[kind](about, 9000),
        ),
      );
      expect(answers[0]).toMatchObject({ outcome: 'ok' });
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      const bookings = await bookingsOf(kind === 'authorise' ? other.orderId : call.orderId);
      expect(bookings.filter((booking) => booking.key === (kind === 'authorise' ? other.key : about.key))).toHaveLength(
        1,
      );
    });

    it('over two sandboxes on one ledger', async () => {
      const second = await startSandbox({ databaseUrl: database.url });
      const clients = [client, new SandboxClient(second.url)];
      const { call, reference } = await granted();
      const shared = Array.from({ length: 20 }, () => authorising('pm_ok'));
      const capture = { key: newKey(), reference, amount: 1200 };
      await Promise.all(
        clients.flatMap((one) => [...shared.map((c) => one.authorise(c, 9000)), one.capture(capture, 9000)]),
      );
      for (const one of shared) {
        const answers = await Promise.all(clients.map((c) => c.authorise(one, 9000)));
        expect(answers).toEqual([ok, answers[0]]);
      }
      for (const one of clients) expect(await one.capture(capture, 9000)).toEqual({ outcome: 'ok', reference });
      expect(await bookingsOf(call.orderId)).toHaveLength(2);
      await second.close();
    });

    it('and refuses a key that was booked for something else', async () => {
      const { call, reference } = await granted();
      const reused = refused('idempotency-key-reused');
      expect(await client.authorise({ ...call, amount: 1201 }, 5000)).toEqual(reused);
      expect(await client.capture({ key: call.key, reference, amount: 1200 }, 5000)).toEqual(reused);
      expect(await bookingsOf(call.orderId)).toHaveLength(1);
    });
  });

  describe('keeps the arithmetic', () => {
    it('refuses a void after the capture and a capture after the void', async () => {
      const [one, two] = [await granted(), await granted()];
      const key = newKey();
      await client.capture({ key, reference: one.reference, amount: 1200 }, 5000);
      await client.void({ key: newKey(), reference: two.reference }, 5000);
      expect(await client.void({ key: newKey(), reference: one.reference }, 5000)).toEqual(refused('already-captured'));
      const late = { key: newKey(), reference: two.reference, amount: 1200 };
      expect(await client.capture(late, 5000)).toEqual(refused('already-voided'));
      expect(await client.find(key, 5000)).toEqual({
        booked: true,
        answer: { outcome: 'ok', reference: one.reference },
      });
    });

    it('says not-found for an authorisation that is not there', async () => {
      const nothing = { key: newKey(), reference: 'auth_nothing' };
      expect(await client.void(nothing, 5000)).toEqual(refused('not-found'));
      expect(await client.find(nothing.key, 5000)).toEqual({ booked: true, answer: refused('not-found') });
    });

    it('never pays back more than was captured, whatever arrives at once', async () => {
      const { call, reference } = await granted();
      await client.capture({ key: newKey(), reference, amount: 1000 }, 5000);
      const refund = () => client.refund({ key: newKey(), reference, amount: 300 }, 5000);
      const answers = await Promise.all([refund(), refund(), refund(), refund(), refund()]);
      expect(answers.filter(({ outcome }) => outcome === 'ok')).toHaveLength(3);
      expect(await client.refund({ key: newKey(), reference, amount: 101 }, 5000)).toEqual(refused('exceeds-captured'));
      expect(await client.refund({ key: newKey(), reference, amount: 100 }, 5000)).toEqual({
        outcome: 'ok',
        reference,
      });
      const paidBack = (await bookingsOf(call.orderId)).filter((b) => b.kind === 'refund' && b.outcome === 'ok');
      expect(paidBack.reduce((sum, { amount }) => sum + Number(amount), 0)).toBe(1000);
    });

    it('never pays back more over two sandboxes on one ledger either', async () => {
      const second = await startSandbox({ databaseUrl: database.url });
      const clients = [client, new SandboxClient(second.url)];
      const all = await Promise.all(Array.from({ length: 40 }, () => granted()));
      const amount = 700;
      for (const { reference } of all) await client.capture({ key: newKey(), reference, amount }, 5000);
      await Promise.all(
        all.flatMap(({ reference }) => clients.map((one) => one.refund({ key: newKey(), reference, amount }, 9000))),
      );
      for (const { call } of all) {
        const refunds = (await bookingsOf(call.orderId)).filter(({ kind }) => kind === 'refund');
        expect(refunds.map(({ outcome }) => outcome).sort()).toEqual(['ok', 'refused']);
      }
      await second.close();
    });

    it('captures once when two captures with different keys race', async () => {
      const { reference } = await granted();
      const capture = () => client.capture({ key: newKey(), reference, amount: 1200 }, 5000);
      expect(new Set(await Promise.all([capture(), capture()]))).toEqual(
        new Set([{ outcome: 'ok', reference }, refused('already-captured')]),
      );
    });
  });

  describe('over HTTP', () => {
    const post = (path: string, body: string, headers: Record<string, string> = { 'idempotency-key': newKey() }) =>
      fetch(sandbox.url + path, { method: 'POST', body, headers }).then(({ status }) => status);
    const valid = JSON.stringify({ method: 'pm_ok', amount: 1, currency: 'JPY', orderId: 'ord_1' });

    it('refuses what is malformed with 400', async () => {
      for (const body of ['{', '[]', 'null', '', '{}', valid.replace('1,', '1.5,'), valid.replace('1,', '-1,')])
        expect([body, await post('/authorisations', body)]).toEqual([body, 400]);
      expect(await post('/authorisations', valid, {})).toBe(400);
      expect(await post('/authorisations', valid)).toBe(200);
    });

    it('refuses a body over 64 KiB with 413', async () => {
      expect(await post('/authorisations', JSON.stringify({ method: 'x'.repeat(65 * 1024) }))).toBe(413);
    });

    it('knows no other path', async () => {
      const paths = [
        '/',
        '/nothing',
        '/authorisations',
        '/operations',
        '/operations/%E0%A4%A',
        '/operations/%00',
        '/ledger/x',
      ];
      for (const path of paths) expect([path, (await fetch(sandbox.url + path)).status]).toEqual([path, 404]);
      for (const path of ['/authorisations/a/constructor', '/authorisations/a/void/b', '/healthz'])
        expect([path, await post(path, '{}')]).toEqual([path, 404]);
      expect((await fetch(`${sandbox.url}/healthz`)).status).toBe(200);
    });
  });

  it('closes by finishing what is in flight and ending what is never answered', async () => {
    const second = await startSandbox({ databaseUrl: database.url });
    const one = new SandboxClient(second.url);
    const calls = [authorising('pm_slow'), authorising('pm_timeout_then_ok')];
    const [slow, silent] = calls.map((call) => one.authorise(call, 9000));
    for (const { key } of calls)
      await eventually(async () => expect(await client.find(key, 5000)).toMatchObject({ booked: true }));
    const waited = stopwatch();
    await second.close();
    // After five seconds it ends by force.
    expect(waited()).toBeLessThan(4900);
    expect(await Promise.all([slow, silent])).toEqual([ok, unknown]);
    expect(await one.find('any', 1000)).toEqual({ booked: 'unknown', why: 'ECONNREFUSED' });
  });

  it('books each capture once while its database connections are cut again and again', async () => {
    const relay = await relayTo(database.url);
    const second = await startSandbox({ databaseUrl: relay.url });
    const one = new SandboxClient(second.url);
    const all = await Promise.all(Array.from({ length: 60 }, () => granted()));
    let unanswered = 0;
    const captured = all.map(async ({ reference }) => {
      const call = { key: newKey(), reference, amount: 1200 };
      for (;;) {
        const answer = await one.capture(call, 5000);
        if (answer.outcome !== 'unknown') return answer;
        unanswered++;
      }
    });
    for (let n = 0; n < 30; n++) await relay.cut();
    expect(await Promise.all(captured)).toEqual(all.map(({ reference }) => ({ outcome: 'ok', reference })));
    expect(unanswered).toBeGreaterThan(0);
    for (const { call } of all) expect(await bookingsOf(call.orderId)).toHaveLength(2);
    await second.close();
    await relay.close();
  });

  it('forgets nothing when its process is killed in the middle of its work', async () => {
    const program = await compiled();
    const killed = await started(program, database.url);
    const before = new SandboxClient(killed.url);
    const failing = authorising('pm_error_then_ok');
    expect(await before.authorise(failing, 5000)).toEqual(unknown);

    const work: { call: ReturnType<typeof authorising>; capture: string; answers: Answer[] }[] = [];
    const worker = async () => {
      for (let alive = true; alive;) {
        const one = { call: authorising('pm_ok'), capture: newKey(), answers: [] as Answer[] };
        if (work.push(one) > 96) killed.process.kill('SIGKILL');
        one.answers.push(await before.authorise(one.call, 5000));
        const [{ outcome }, reference] = [one.answers[0]!, referenceIn(one.answers[0]!)];
        if (outcome === 'ok')
          one.answers.push(await before.capture({ key: one.capture, reference, amount: 1200 }, 5000));
        alive = one.answers.every((answer) => answer.outcome === 'ok');
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));

    const revived = await started(program, database.url);
    const after = new SandboxClient(revived.url);
    await Promise.all(
      work.map(async ({ call, capture, answers: [authorised, captured] }) => {
        const again = await after.authorise(call, 9000);
        expect(again).toEqual(authorised!.outcome === 'ok' ? authorised : ok);
        if (captured?.outcome === 'ok')
          expect(await after.find(capture, 9000)).toEqual({ booked: true, answer: captured });
        expect(await after.capture({ key: capture, reference: referenceIn(again), amount: 1200 }, 9000)).toEqual(again);
        expect((await bookingsOf(call.orderId)).map(({ kind }) => kind)).toEqual(['authorise', 'capture']);
      }),
    );
    expect([await after.authorise(failing, 5000), await after.authorise(failing, 5000)]).toEqual([unknown, ok]);
    revived.process.kill('SIGTERM');
    expect((await once(revived.process, 'exit'))[0]).toBe(0);
  });
});

/** A way to the database that can be cut under the queries on it. */
async function relayTo(databaseUrl: string) {
  const url = new URL(databaseUrl);
  const { port, hostname } = url;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const joined = (from: Socket, to: Socket) =>
      from
        .on('error', () => to.destroy())
        .on('close', () => to.destroy())
        .pipe(to);
    joined(near, far);
    joined(far, near);
    open.add(near.on('close', () => open.delete(near)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const socket of open) socket.resetAndDestroy();
  };
  return { url: url.href, cut, close: () => new Promise((resolve) => server.close(resolve)) };
}

const ROOT = join(__dirname, '..', '..');

/** Takes away what a test that failed half way leaves: processes and compiled files. */
const leftOver: (() => void)[] = [];

/** The sandbox's program as JavaScript below the repository, where Node finds the packages and `"type": "module"`. */
async function compiled() {
  mkdirSync(join(ROOT, '.test'), { recursive: true });
  const out = mkdtempSync(join(ROOT, '.test', 'sandbox-'));
  leftOver.push(() => rmSync(out, { recursive: true }));
  const folder = join(ROOT, 'src/payments/providers');
  const sources = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  for (const name of ['database/statement.ts', 'database/text-arrays.ts', 'uuid.ts'])
    sources.push(join(ROOT, 'src', name));
  for (const source of sources.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))) {
    const options = {
      swcrc: false,
      module: { type: 'es6' },
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    } as const;
    const { code } = await transformFile(source, options);
    const target = join(out, relative(join(ROOT, 'src'), source)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  return join(out, 'payments/providers/sandbox/main.js');
}

async function started(main: string, databaseUrl: string) {
  const child = spawn(process.execPath, [main, `--database-url=${databaseUrl}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  leftOver.push(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, url: /http\S+/.exec(line.toString())![0] };
}
