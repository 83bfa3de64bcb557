import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { useHouse } from '../support/use-house.js';

const at = useHouse();
const port = (): number => at.house.house.httpPort;

/** Sends these bytes, and answers everything that came back until the other side closed. */
function rawWithin(within: number, ...parts: string[]): Promise<{ text: string; closed: boolean; ms: number }> {
  return new Promise((resolve) => {
    const began = performance.now();
    let text = '';
    const end = (closed: boolean) => resolve({ text, closed, ms: performance.now() - began });
    const socket = connect(port(), '127.0.0.1', () => parts.forEach((part) => socket.write(part)));
    const patience = setTimeout(() => socket.destroy() && end(false), within);
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(patience);
      end(true);
    });
  });
}

const raw = (...parts: string[]) => rawWithin(20_000, ...parts);

const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status!);
const HOST = 'Host: shop.example\r\nAuthorization: Bearer a-key-of-the-tests\r\n';
/** A request that must never be answered: it hides in the body of another. */
const HIDDEN = `GET /v1/orders/smuggled HTTP/1.1\r\n${HOST}\r\n`;

describe('a request that two readers could understand in two ways is refused once, and nothing after it is read', () => {
  it.each([
    ['CL.TE', `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['TE.CL', `POST /v1/orders HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n`],
    ['two lengths', `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ['two equal lengths', `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ['a list of lengths', `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Length: 5, 5\r\n\r\nhello`],
    ['a signed length', `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\nhello`],
    ['a length below zero', `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`],
    [
      'an encoding of two words',
      `POST /v1/orders HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    ],
    ['an encoding in disguise', `POST /v1/orders HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `GET /v1/orders HTTP/1.1\r\n${HOST}Content-Length : 5\r\n\r\nhello`],
    ['a folded header', `GET /v1/orders HTTP/1.1\r\nX: a\r\n\tContent-Length: 5\r\n${HOST}\r\n`],
    ['bare line feeds', `GET /v1/orders HTTP/1.1\nHost: a\nContent-Length: 0\n\n`],
    ['a bare carriage return', `GET /v1/orders HTTP/1.1\r\n${HOST}X: a\rContent-Length: 5\r\n\r\n`],
    ['a NUL in a header', `GET /v1/orders HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
    [
      'a chunk size that is none',
      `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
    ],
    [
      'a chunk longer than said',
      `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`,
    ],
    ['no host', `GET /v1/orders HTTP/1.1\r\nAuthorization: Bearer a-key-of-the-tests\r\n\r\n`],
    ['two hosts', `GET /v1/orders HTTP/1.1\r\n${HOST}Host: other.example\r\n\r\n`],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['HTTP/2 without being asked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['no protocol at all', 'hello\r\n\r\n'],
  ])('%s', async (_name, bytes) => {
    const { text, closed } = await raw(bytes, HIDDEN);
    const [first, ...others] = statuses(text);
    expect(first).toMatch(/^4/);
    expect([closed, others, text.includes('smuggled')]).toEqual([true, [], false]);
    expect(text.toLowerCase()).toContain('connection: close');
  });

  it('is told why as a problem, and nothing of the machine', async () => {
    const { text } = await raw('GET / HTTP/1.1\r\nbroken header\r\n\r\n');
    expect(statuses(text)).toEqual(['400']);
    expect(text).toContain('application/problem+json');
    expect(text).toContain('"code":"malformed-request"');
    expect(text).not.toMatch(/HPE_|node|llhttp|Error:/);
  });

  it('is too large from 16 KiB of head on', async () => {
    const { text } = await raw(`GET /livez HTTP/1.1\r\n${HOST}X: ${'x'.repeat(17 * 1024)}\r\n\r\n`);
    expect(statuses(text)).toEqual(['431']);
  });

  it('has chunk extensions without end', async () => {
    const head = `POST /v1/orders HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const { text, closed } = await raw(head, `2;${'x'.repeat(20 * 1024)}\r\n{}\r\n0\r\n\r\n`);
    expect(statuses(text)).toEqual(['413']);
    expect(closed).toBe(true);
  });
});

it('answers 10,000 requests that were sent at once on one connection, each once and in their order', async () => {
  const many = Array.from(
    { length: 10_000 },
    (_, i) => `GET /v1/nowhere HTTP/1.1\r\nHost: a\r\nX-Request-Id: n${i}\r\n\r\n`,
  );
  many.push('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  // Some 1.5 s where nobody else uses the machine.
  const { text, closed } = await rawWithin(100_000, many.join(''));
  expect(closed).toBe(true);
  expect(statuses(text)).toHaveLength(10_001);
  expect([...text.matchAll(/X-Request-Id: n(\d+)/g)].every(([, n], i) => Number(n) === i)).toBe(true);
  expect(statuses(text).filter((status) => status.startsWith('5'))).toEqual([]);
});

describe('a slow sender is cut off, and keeps nobody else waiting', () => {
  /** Opens a connection and dribbles one byte a second after `head`, until it is cut off. */
  const dribble = (head: string): { socket: Socket; done: Promise<{ ms: number; text: string }> } => {
    const began = performance.now();
    let text = '';
    const socket = connect(port(), '127.0.0.1', () => socket.write(head));
    const drop = setInterval(() => socket.writable && socket.write('a'), 1_000);
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', () => undefined);
    const done = new Promise<{ ms: number; text: string }>((resolve) =>
      socket.on('close', () => {
        clearInterval(drop);
        resolve({ ms: performance.now() - began, text });
      }),
    );
    return { socket, done };
  };

  it('of headers and of a body, within 40 s', async () => {
    const slow = [
      dribble('GET /livez HTTP/1.1\r\nHost: a\r\nX: '),
      dribble(`POST /v1/orders HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`),
    ];
    for (const { ms, text } of await Promise.all(slow.map(({ done }) => done))) {
      expect(ms).toBeGreaterThan(5_000);
      expect(ms).toBeLessThan(40_000);
      expect(statuses(text)).toEqual(['408']);
    }
  });

  it('even 500 of them', async () => {
    const slow = Array.from({ length: 500 }, () => dribble('GET /livez HTTP/1.1\r\nHost: a\r\nX: '));
    const took: number[] = [];
    for (let i = 0; i < 50; i++) {
      const began = performance.now();
      expect((await fetch(`${at.house.rest.origin}/livez`)).status).toBe(200);
      took.push(performance.now() - began);
      await sleep(20);
    }
    slow.forEach(({ socket }) => socket.destroy());
    expect(took.sort((a, b) => a - b)[25]).toBeLessThan(500);
  });
});
