import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SandboxClient } from './sandbox.client.js';

const servers: Server[] = [];

/** A client of a server that answers as told. */
async function clientOf(listener: RequestListener): Promise<SandboxClient> {
  const server = createServer(listener);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return new SandboxClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const answering = (status: number, body: string) =>
  clientOf((_request, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(body));

const call = { key: 'k1', method: 'pm_ok', amount: 1200, currency: 'JPY', orderId: 'ord_1' };
const ok = JSON.stringify({ key: 'k1', outcome: 'ok', reference: 'auth_1' });

describe('The client of the sandbox provider', () => {
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  it('reads a booking and a refusal', async () => {
    expect(await (await answering(200, ok)).authorise(call, 10_000)).toEqual({ outcome: 'ok', reference: 'auth_1' });
    const refused = JSON.stringify({ key: 'k1', outcome: 'refused', reason: 'payment-declined' });
    const answer = { outcome: 'refused', reason: 'payment-declined' };
    expect(await (await answering(402, refused)).authorise(call, 10_000)).toEqual(answer);
    expect(await (await answering(200, refused)).find('k1', 10_000)).toEqual({ booked: true, answer });
  });

  it.each([
    ['a server error', 500, ok],
    ['an unavailable server', 503, '{"error":"unavailable"}'],
    ['a proxy page', 200, '<html>welcome</html>'],
    ['an empty body', 200, ''],
    ['null', 200, 'null'],
    ['a redirect', 307, ok],
    ['an answer to another key', 200, ok.replace('k1', 'k2')],
    ['an answer without a reference', 200, '{"key":"k1","outcome":"ok"}'],
    ['a reason nobody knows', 402, '{"key":"k1","outcome":"refused","reason":"full-moon"}'],
    ['an endless body', 200, JSON.stringify({ key: 'k1', outcome: 'ok', reference: 'x'.repeat(200_000) })],
  ])('takes %s for unknown, when booking and when looking up', async (_what, status, body) => {
    const client = await answering(status, body);
    expect(await client.authorise(call, 10_000)).toMatchObject({ outcome: 'unknown' });
    expect(await client.find('k1', 10_000)).toMatchObject({ booked: 'unknown' });
  });

  it('believes an absence only in the words of the sandbox and for this key', async () => {
    expect(await (await answering(404, '{"key":"k1","booked":false}')).find('k1', 10_000)).toEqual({ booked: false });
    for (const body of ['{"error":"unknown path"}', '{"key":"k2","booked":false}', 'not found'])
      expect(await (await answering(404, body)).find('k1', 10_000)).toMatchObject({ booked: 'unknown' });
  });

  it('gives up after its timeout, also in the middle of a body', async () => {
    for (const sent of ['', ok.slice(0, 9)]) {
      const client = await clientOf((_request, response) => void (sent && response.write(sent)));
      const begun = Date.now();
      expect(await client.authorise(call, 150)).toMatchObject({ outcome: 'unknown' });
      expect(Date.now() - begun).toBeLessThan(10_000);
    }
  });

  it('takes a cut connection and a refused one for unknown', async () => {
    const cut = await clientOf((request) => request.socket.destroy());
    expect(await cut.capture({ key: 'k1', reference: 'auth_1', amount: 1 }, 10_000)).toMatchObject({
      outcome: 'unknown',
    });
    const refused = new SandboxClient('http://127.0.0.1:1');
    expect(await refused.void({ key: 'k1', reference: 'auth_1' }, 10_000)).toEqual({
      outcome: 'unknown',
      why: 'ECONNREFUSED',
    });
    expect(await refused.find('k1', 10_000)).toEqual({ booked: 'unknown', why: 'ECONNREFUSED' });
  });

  it('answers unknown for a key no header can carry instead of throwing', async () => {
    const client = await answering(200, ok);
    expect(await client.authorise({ ...call, key: 'k\n1' }, 10_000)).toMatchObject({ outcome: 'unknown' });
  });

  it('sends the key on every POST and uses one connection again and again', async () => {
    const seen: [string, unknown][] = [];
    const ports = new Set<number | undefined>();
    const client = await clientOf((request, response) => {
      ports.add(request.socket.remotePort);
      seen.push([`${request.method} ${request.url}`, request.headers['idempotency-key']]);
      request.resume().on('end', () => response.end(ok));
    });
    await client.authorise(call, 10_000);
    await client.capture({ key: 'k2', reference: 'auth/1', amount: 1 }, 10_000);
    await client.void({ key: 'k3', reference: 'auth_1' }, 10_000);
    await client.refund({ key: 'k4', reference: 'auth_1', amount: 1 }, 10_000);
    expect(seen).toEqual([
      ['POST /authorisations', 'k1'],
      ['POST /authorisations/auth%2F1/capture', 'k2'],
      ['POST /authorisations/auth_1/void', 'k3'],
      ['POST /authorisations/auth_1/refunds', 'k4'],
    ]);
    expect(ports.size).toBe(1);
  });
});
