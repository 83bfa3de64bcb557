import { Controller, Get, HttpCode, Post, Put, Sse } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { of } from 'rxjs';
import { Access } from '../../access/access.js';
import { API_KEY_SOURCE, ApiKeys } from '../../access/api-keys.js';
import { Failure } from '../../failure.js';
import { Admission } from '../admit.js';
import type { Answer, Asked } from '../asked.js';
import { Flag, Id, ListOf, Optional, PageSize, Quantity, Sku, Text } from '../fields.js';
import { Health, type Condition } from '../health.js';
import { Input } from '../input.decorator.js';
import { Operation } from '../operation.js';
import { HealthController } from './health.controller.js';
import { configureHttp } from './http.js';
import { Replies } from './replies.js';

class Part {
  @Sku() sku!: string;
  @Quantity() quantity!: number;
}

@Operation({ name: 'toys.make', scope: 'orders:write', kind: 'command' })
class MakeToy {
  @ListOf(() => Part, 100, 'sku') parts!: Part[];
  @Text(100) @Optional() note?: string;
}

@Operation({ name: 'toys.break', scope: 'orders:write', kind: 'command' })
class BreakToy {
  @Id() id!: string;
  @Text(20) @Optional() how?: string;
}

@Operation({ name: 'toys.list', scope: 'orders:read', kind: 'query' })
class ListToys {
  @Id() @Optional() id?: string;
  @PageSize() @Optional() pageSize?: number;
  @Flag() @Optional() mine?: boolean;
}

@Operation({ name: 'toys.burn', scope: 'ops', kind: 'command' })
class BurnToy {}

const answer = <R>(outcome: R | Failure, replayed = false): Answer<R> => ({ outcome, replayed });

@Controller('v1/toys')
class ToysController {
  @Post()
  @Replies({ status: 202, location: (toy: { id: string }) => `/v1/toys/${toy.id}` })
  make(@Input(MakeToy) { command, by, key }: Asked<MakeToy>) {
    return answer({ id: 'toy_1', command, by: by.name, key }, key === 'again');
  }

  @Get()
  list(@Input(ListToys) asked: Asked<ListToys>) {
    return answer(asked.command);
  }

  @Get(':id')
  @Replies({ etag: () => 7 })
  get(@Input(ListToys) asked: Asked<ListToys>) {
    return answer({ id: asked.command.id });
  }

  @Post(':id/breakage')
  @HttpCode(202)
  break(@Input(BreakToy) { command, key }: Asked<BreakToy>) {
    if (command.id === 'bug') throw new Error('the password is hunter2');
    if (command.id === 'away') throw Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    if (command.id !== 'gone') return answer(command);
    return answer(new Failure('conflict', 'broken-already', 'It is broken.', { state: 'BROKEN' }), key === 'again');
  }

  @Put('fire')
  burn(@Input(BurnToy) _asked: Asked<BurnToy>) {
    return answer({});
  }

  @Sse(':id/live')
  live() {
    return of({ data: { outcome: 1 } });
  }
}

let app: NestExpressApplication;
let url: string;
let condition: Condition = 'ok';

beforeAll(async () => {
  const module = await Test.createTestingModule({
    controllers: [ToysController, HealthController],
    providers: [
      Access,
      Admission,
      ApiKeys,
      Health,
      { provide: API_KEY_SOURCE, useValue: { text: 'shop:s3cret:orders:read+orders:write' } },
    ],
  }).compile();
  app = module.createNestApplication<NestExpressApplication>({ bodyParser: false, logger: false });
  configureHttp(app);
  await app.listen(0, '127.0.0.1');
  module.get(Health).register('toys', () => condition);
  url = `http://127.0.0.1:${port()}`;
});
afterAll(() => app.close());

const port = (): number => (app.getHttpServer().address() as AddressInfo).port;

interface Reply {
  status: number;
  headers: Headers;
  // Whatever came: the assertions say what it should be.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
  const headers = { authorization: 'Bearer s3cret', ...(init.headers as Record<string, string>) };
  const response = await fetch(url + path, { ...init, headers });
  const text = await response.text();
  expect(response.status).toBeLessThan(500);
  const type = response.headers.get('content-type') ?? '';
  if (response.status >= 400) expect(type).toContain('application/problem+json');
  return { status: response.status, headers: response.headers, body: type.includes('json') ? JSON.parse(text) : text };
}

const post = (body: unknown, headers: Record<string, string> = {}, path = '/v1/toys'): Promise<Reply> =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body),
  });

const toy = (part: object = {}) => ({ parts: [{ sku: 'A-1', quantity: 1, ...part }] });
const said = ({ status, body }: Reply) => `${status} ${body.code} ${body.errors?.[0]?.field ?? ''}`.trim();

/** Bytes as they are, for what no HTTP client would send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port(), '127.0.0.1', () => socket.write(text));
    let answered = '';
    socket.on('data', (data) => (answered += data.toString()));
    socket.on('close', () => resolve(answered)).on('error', reject);
  });
}

describe('an admitted call', () => {
  it('is answered with the status, the Location and the result', async () => {
    const reply = await post({ ...toy(), note: '日本' }, { 'idempotency-key': '"k-1"' });
    expect(reply.status).toBe(202);
    expect(reply.headers.get('location')).toBe('/v1/toys/toy_1');
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(reply.headers.get('x-powered-by')).toBeNull();
    expect(reply.headers.get('etag')).toBeNull();
    expect(reply.headers.get('idempotent-replayed')).toBeNull();
    expect(reply.body).toEqual({ id: 'toy_1', command: { ...toy(), note: '日本' }, by: 'key:shop', key: 'k-1' });
  });

  it('says when it was answered before, refusals too', async () => {
    const again = { 'idempotency-key': 'again' };
    expect((await post(toy(), again)).headers.get('idempotent-replayed')).toBe('true');
    const refused = await ask('/v1/toys/gone/breakage', { method: 'POST', headers: again });
    expect(said(refused)).toBe('409 broken-already');
    expect(refused.body.details).toEqual({ state: 'BROKEN' });
    expect(refused.headers.get('idempotent-replayed')).toBe('true');
    const first = await ask('/v1/toys/gone/breakage', { method: 'POST' });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
  });

  it('takes no body where none is needed, and one where it helps', async () => {
    const path = '/v1/toys/toy_1/breakage';
    expect(await ask(path, { method: 'POST' })).toMatchObject({ status: 202, body: { id: 'toy_1' } });
    expect(await post('', {}, path)).toMatchObject({ status: 202, body: { id: 'toy_1' } });
    expect(await post({ how: 'fell' }, {}, path)).toMatchObject({ body: { id: 'toy_1', how: 'fell' } });
  });

  it('reads query strings by the declared types', async () => {
    const reply = await ask('/v1/toys?pageSize=20&mine=true&id=2%2B2');
    expect(reply.body).toEqual({ pageSize: 20, mine: true, id: '2+2' });
  });

  it('is not sent again to whoever has this version', async () => {
    const get = (tag?: string) => ask('/v1/toys/toy_1', tag ? { headers: { 'if-none-match': tag } } : {});
    expect((await get()).headers.get('etag')).toBe('"7"');
    for (const tag of ['"7"', 'W/"7"', '"6", "7"', '*']) {
      expect(await get(tag)).toMatchObject({ status: 304, body: '' });
    }
    expect(await get('"6"')).toMatchObject({ status: 200, body: { id: 'toy_1' } });
    expect(await get('7')).toMatchObject({ status: 200 });
  });

  it('may be a stream', async () => {
    const stream = await fetch(`${url}/v1/toys/x/live`, { headers: { accept: 'text/event-stream' } });
    expect(await stream.text()).toContain('data: {"outcome":1}');
    expect(said(await ask('/v1/toys/x/live', { headers: { accept: 'application/json' } }))).toBe('406 not-acceptable');
  });
});

describe('a call without the right to it', () => {
  it('is refused in the same words, whatever is wrong with the credential or the body', async () => {
    const bodies = await Promise.all(
      ['', 'Bearer', 'Bearer wrong', 'Basic s3cret', 's3cret'].map((authorization) => post(toy(), { authorization })),
    );
    bodies.push(await post('{', { authorization: 'Bearer wrong' }));
    expect(new Set(bodies.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(said(bodies[0]!)).toBe('401 unauthenticated');
    expect(bodies[0]!.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('is told which scope is missing', async () => {
    const reply = await ask('/v1/toys/fire', { method: 'PUT' });
    expect(said(reply)).toBe('403 missing-scope');
    expect(reply.body.detail).toContain('ops');
  });

  it('is refused when two credentials are shown', async () => {
    const both = 'Authorization: Bearer s3cret\r\nAuthorization: Bearer other\r\n';
    expect(await raw(`GET /v1/toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${both}\r\n`)).toMatch(
      /^HTTP\/1.1 401 /,
    );
  });
});

describe('a request that HTTP itself forbids', () => {
  it('has a path that is unknown, or known with other methods', async () => {
    expect(said(await ask('/v1/nothing'))).toBe('404 unknown-route');
    expect(said(await ask('/v1/toys/a/b/c', { method: 'POST' }))).toBe('404 unknown-route');
    const put = await ask('/v1/toys', { method: 'PUT' });
    expect(said(put)).toBe('405 method-not-allowed');
    expect(put.headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST');
    expect((await ask('/v1/toys/toy_1/breakage')).headers.get('allow')).toBe('OPTIONS, POST');
    expect((await ask('/v1/toys', { method: 'OPTIONS' })).status).toBe(204);
    expect((await fetch(`${url}/v1/nothing`, { method: 'HEAD' })).status).toBe(404);
  });

  it('wants something else than JSON', async () => {
    expect(said(await ask('/v1/toys', { headers: { accept: 'text/html' } }))).toBe('406 not-acceptable');
    expect((await ask('/v1/toys', { headers: { accept: 'text/html, application/*;q=0.1' } })).status).toBe(200);
    expect(said(await ask('/v1/nothing', { headers: { accept: 'text/html' } }))).toBe('404 unknown-route');
  });

  it.each<Record<string, string>>([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json; charset=utf-16' },
    { 'content-type': 'application/json-patch+json' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': '' },
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'br' },
  ])('sends %j', async (headers) => expect(said(await post(toy(), headers))).toBe('415 unsupported-media-type'));

  it.each(['application/json;charset=UTF-8', 'Application/JSON', 'application/json; charset="utf-8"'])(
    'not by %s',
    async (type) =>
      expect((await post(toy(), { 'content-type': type, 'content-encoding': 'identity' })).status).toBe(202),
  );

  it('sends more than 1 MiB, by announcement or by surprise', async () => {
    expect(said(await post(Buffer.alloc(11 * 1024 * 1024, ' ')))).toBe('413 body-too-large');
    const chunk = `80000\r\n${' '.repeat(0x80000)}\r\n`;
    const head = 'POST /v1/toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n';
    const reply = await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}0\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1.1 413 /);
    const just = JSON.stringify(toy()).padEnd(1024 * 1024);
    expect((await post(just)).status).toBe(202);
    expect(said(await post(`${just} `))).toBe('413 body-too-large');
  });

  it('sends a gzip bomb: nothing is inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    expect(said(await post(bomb, { 'content-encoding': 'gzip' }))).toBe('415 unsupported-media-type');
  });

  it('sends a body where none can be', async () => {
    const body = 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    expect(await raw(`GET /v1/toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${body}`)).toMatch(/unexpected-body/);
  });
});

describe('a body that means nothing', () => {
  it.each([
    '{',
    '{"parts":1,"parts":2}',
    '{"a":1}\0',
    '['.repeat(100_000),
    '\ufeff{}',
    `{"note":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ])('is refused: %.40s', async (body) => expect(said(await post(body))).toMatch(/^400 undecodable (body|parts)$/));

  it.each(['[]', '"x"', 'null', '1'])(
    'is JSON and no object, so it is refused as on the other gates: %s',
    async (body) => expect(said(await post(body))).toBe('400 invalid body'),
  );

  it('is refused when it is no UTF-8', async () => {
    expect(said(await post(Buffer.from('{"note":"\xe9"}', 'latin1')))).toBe('400 undecodable body');
    expect(said(await post(Buffer.from('{}', 'utf16le')))).toBe('400 undecodable body');
  });

  it.each([-1, 0, 1e9, 1.5, '1', true, [1], {}])('is refused for the quantity %j', async (quantity) =>
    expect(said(await post(toy({ quantity })))).toBe('400 invalid parts[0].quantity'),
  );

  it.each([
    ['{"parts":[{"sku":"A","quantity":9007199254740993}]}', 'parts[0].quantity'],
    ['{"parts":[{"sku":"A","quantity":null}]}', 'parts[0].quantity'],
    ['{"parts":[{"sku":"A\\u0000","quantity":1}]}', 'parts[0].sku'],
    ['{"parts":[{"sku":"\\ud800","quantity":1}]}', 'parts[0].sku'],
    ['{"parts":[{"sku":"\u202eA","quantity":1}]}', 'parts[0].sku'],
    ['{"parts":[[{"sku":"A","quantity":1}]]}', 'parts'],
    ['{"__proto__":{"admin":true}}', '__proto__'],
    ['{"constructor":{"prototype":{"admin":true}}}', 'constructor'],
    ['{"toString":1}', 'toString'],
  ])('is refused: %.60s', async (body, field) => {
    const reply = await post(body);
    expect(said(reply)).toBe(`400 invalid ${field}`);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('is refused for a field nobody knows', async () => {
    expect(said(await post({ ...toy(), extra: 1 }))).toBe('400 invalid extra');
  });
});

describe('a field', () => {
  it('given twice is refused', async () => {
    expect(said(await ask('/v1/toys?pageSize=1&pageSize=1'))).toBe('400 undecodable pageSize');
    expect(said(await ask('/v1/toys/toy_1?id=toy_2'))).toBe('400 undecodable id');
    expect(said(await post({ id: 'toy_1' }, {}, '/v1/toys/toy_1/breakage'))).toBe('400 undecodable id');
    expect(said(await post({ how: 'x' }, {}, '/v1/toys/toy_1/breakage?how=x'))).toBe('400 undecodable how');
  });

  it.each([
    ['__proto__', '1'],
    ['__proto__[admin]', '1'],
    ['constructor', '1'],
    ['hasOwnProperty', '1'],
    ['pageSize', '1.5'],
    ['pageSize', ''],
    ['pageSize', 'x'],
  ])('in the query is refused: %s=%s', async (field, value) => {
    const { status, body } = await ask(`/v1/toys?${field}=${value}`);
    expect({ status, field: body.errors[0].field as string }).toEqual({ status: 400, field });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('that cannot be decoded is refused', async () => {
    expect(said(await ask('/v1/toys?id=%FF'))).toBe('400 undecodable query');
    expect(said(await ask('/v1/toys/%FF'))).toBe('400 malformed-request');
    expect(said(await ask('/v1/toys/%00'))).toBe('400 invalid id');
    expect(said(await ask('/v1/toys/__proto__'))).toBe('200 undefined');
  });

  it('cannot be a key that is none, nor two', async () => {
    expect(said(await post(toy(), { 'idempotency-key': '"a' }))).toBe('400 invalid-idempotency-key idempotency-key');
    const head = 'POST /v1/toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer s3cret\r\n';
    expect(await raw(`${head}Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n`)).toMatch(/given more than once/);
  });
});

describe('what went wrong here', () => {
  it('is an id and nothing more', async () => {
    const reply = await fetch(`${url}/v1/toys/bug/breakage`, {
      method: 'POST',
      headers: { authorization: 'Bearer s3cret' },
    });
    const body = (await reply.json()) as { code: string; detail: string; instance: string };
    expect(reply.status).toBe(500);
    expect(body.code).toBe('internal');
    expect(body.instance).toMatch(/^urn:sanmon:incident:[0-9a-f-]{36}$/);
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it('is "later" when the database is away', async () => {
    const reply = await fetch(`${url}/v1/toys/away/breakage`, {
      method: 'POST',
      headers: { authorization: 'Bearer s3cret' },
    });
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('1');
  });
});

describe('a slow sender', () => {
  it('is given 10 s for the headers and 15 s for all of it, looked at every second', () => {
    const server = app.getHttpServer() as Server & { connectionsCheckingInterval: number };
    expect(server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      connectionsCheckingInterval: 1_000,
    });
  });
});

describe('health', () => {
  it('is open to everybody', async () => {
    expect(await (await fetch(`${url}/livez`)).json()).toEqual({ status: 'ok' });
    condition = 'degraded';
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'degraded', checks: { toys: 'degraded' } });
    condition = 'down';
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
  });
});
