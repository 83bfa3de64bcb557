import { Logger } from '@nestjs/common';
import * as fc from 'fast-check';
import { request } from 'node:http';
import { refusals } from '../../src/documents/generator/refusals.js';
import { surface } from '../../src/documents/generator/surface.js';
import { anyBody, anyHeaders, anyInput, anyJson, anyMessage, anyOperation } from '../support/any-input.js';
import { bearer } from '../support/caller.js';
import { KEY } from '../support/house.js';
import { anOrder, orderIn, placeThrough, stocked } from '../support/shop.js';
import { useHouse } from '../support/use-house.js';
import { Chance } from './rig/chance.js';
import { sized } from './rig/size.js';

const RUNS = sized({ short: 150, quick: 2_000, full: 20_000 });
const MINUTES = 60_000;
const at = useHouse();
const codes = new Map(refusals(surface()).map((one) => [one.code, one]));
let seed: number;
let logged: jest.SpyInstance;
let warned: jest.SpyInstance;

beforeAll(() => {
  seed = Chance.drawn('any input').seed;
  logged = jest.spyOn(Logger.prototype, 'error');
  warned = jest.spyOn(Logger.prototype, 'warn');
});

/** Nothing of the machine, and no credential. */
const LEAK = /node_modules|\.[jt]s:\d|SELECT |INSERT |\n\s+at |a-key-of-the-tests/;

/** Whatever was sent: nothing surprised us, no log tells a secret, and a good order comes through each gate. */
async function allIsWell(): Promise<void> {
  expect(logged.mock.calls).toEqual([]);
  expect(warned.mock.calls.flat().join('\n')).not.toMatch(LEAK);
  expect(Object.keys(Object.prototype)).toEqual([]);
  const sku = await stocked(at.house, 10);
  for (const gate of ['rest', 'grpc', 'amqp'] as const)
    await orderIn(at.house, (await placeThrough(gate, at.house, anOrder(sku))).id, 'CONFIRMED');
  const odd = await at.rows(
    `SELECT code FROM orders.inbox WHERE code = 'internal' OR (state = 'parked' AND coalesce(reason, '') = '')`,
  );
  expect(odd).toEqual([]);
}

const holds = <T>(anything: fc.Arbitrary<T>, property: (one: T) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(anything, property), { seed, numRuns: RUNS, endOnFailure: RUNS < 1_000 });

/** Sends what `fetch` would not, such as paths that are no URLs. */
const send = (method: string, path: string, headers: Record<string, string>, body?: Buffer) =>
  new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const { port } = new URL(at.house.rest.origin);
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode!, type: response.headers['content-type'] ?? '', text }),
      );
    });
    sent.on('error', reject).end(body);
  });

it(
  'over REST is done or refused with a problem of its own status, never a fault of ours',
  async () => {
    const segment = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.stringMatching(/^[!-~]{0,20}$/).map((text) => text.replace(/[#?]/g, '%')),
    );
    const anything = anyOperation.chain((of) =>
      fc.record({
        of: fc.constant(of),
        segments: fc.array(segment, { minLength: 2, maxLength: 2 }),
        query: fc.oneof(anyInput(of).map(written), fc.stringMatching(/^[!-~]{0,30}$/), fc.constant('')),
        body: anyBody(of),
        headers: anyHeaders(/^[\t -~\x80-\xff]{0,60}$/),
      }),
    );
    await holds(anything, async ({ of, segments, query, body, headers }) => {
      const [{ method, path }] = of.rest as [(typeof of.rest)[number]];
      let n = 0;
      const filled = path.replace(/:\w+/g, () => segments[n++]!);
      const json: Record<string, string> =
        method === 'GET' ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) };
      const whole = `${filled}${query && `?${query}`}`;
      const said = await send(method, whole, { ...bearer, ...json, ...headers }, method === 'GET' ? undefined : body);
      expect(said.status).toBeLessThan(500);
      expect(said.text).not.toMatch(LEAK);
      if (said.status < 400) return;
      expect(said.type).toBe('application/problem+json; charset=utf-8');
      const { code, status } = JSON.parse(said.text) as { code: string; status: number };
      expect([code, status, codes.get(code)?.rest]).toEqual([code, said.status, said.status]);
    });
    await allIsWell();
  },
  10 * MINUTES,
);

const written = (input: Record<string, unknown>): string =>
  Object.entries(input)
    .map(
      ([name, value]) =>
        `${encoded(name)}=${encoded(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))}`,
    )
    .join('&');
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

it(
  'over gRPC is done or refused with a proper status, never INTERNAL or UNKNOWN',
  async () => {
    const anything = anyOperation.chain((of) =>
      fc.record({ of: fc.constant(of), bytes: anyMessage(of), headers: anyHeaders(/^[ -~]{0,60}$/) }),
    );
    await holds(anything, async ({ of, bytes, headers }) => {
      const { 'content-type': _type, accept: _accept, ...metadata } = headers;
      const { code, status, raw } = await at.caller.rpc(of, bytes, { ...bearer, ...metadata });
      expect(Buffer.from(raw, 'base64').toString()).not.toMatch(LEAK);
      if (status === 'OK') return;
      expect([code, status]).toEqual([code, codes.get(code)?.grpc]);
      expect(codes.get(code)?.kind).not.toMatch(/internal|unavailable/);
    });
    await allIsWell();
  },
  10 * MINUTES,
);

it(
  'over RabbitMQ is done, told or parked with its reason, never a surprise',
  async () => {
    const word = fc.stringMatching(/^[a-z*#.]{1,20}$/);
    const shown = fc.oneof({ arbitrary: fc.constant(`Bearer ${KEY}`), weight: 8 }, inTable);
    const anything = anyOperation.chain((of) =>
      fc.record({
        key: fc.oneof(
          { arbitrary: fc.constant(keyOf(of.traits.name)), weight: 8 },
          word.map((one) => `orders.${one}`),
        ),
        body: fc.oneof(anyBody(of), anyMessage(of)),
        authorization: shown,
        headers: fc.dictionary(
          fc.oneof(fc.constantFrom('idempotency-key', 'prefer', 'x-death', 'traceparent'), short),
          tableValue,
          {
            maxKeys: 3,
          },
        ),
        properties: fc.record(
          {
            contentType: fc.oneof(
              fc.constantFrom('application/json', 'application/protobuf', 'application/cloudevents+json'),
              short,
            ),
            contentEncoding: short,
            messageId: short,
            type: short,
          },
          { requiredKeys: [] },
        ),
      }),
    );
    await holds(anything, async ({ key, body, authorization, headers, properties }) => {
      const said = await at.caller.letter(key, body, { ...properties, headers: { ...headers, authorization } });
      expect(said.raw).not.toMatch(LEAK);
      if (said.code === 'ok') return;
      expect([said.code, said.status]).toEqual([said.code, codes.get(said.code)?.kind]);
      expect(said.status).not.toMatch(/internal|unavailable|exhausted/);
    });
    await allIsWell();
  },
  10 * MINUTES,
);

/** The repair desk is asked at one module's. */
const keyOf = (operation: string): string => operation.replace(/^ops\./, 'ops.orders.');
/** What AMQP's short strings hold. */
const short = fc.string({ maxLength: 60 });
/** What amqplib can write: it trips over large numbers, and `!` names the type of what stands beside it. */
const tame = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('"!":', '"?":'), (_, one: unknown) =>
    typeof one === 'number' && Math.abs(one) > 2 ** 31 ? 7 : one,
  );
const inTable = fc.jsonValue({ maxDepth: 3 }).map(tame);
const tableValue = fc.oneof(
  short,
  fc.boolean(),
  fc.integer(),
  inTable,
  anyJson.map((one) => JSON.stringify(one) ?? ''),
);
