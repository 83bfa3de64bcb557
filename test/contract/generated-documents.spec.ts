import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { documents, type Sources, sources } from '../../src/documents/generator/documents.js';
import { refusalsOf } from '../../src/documents/generator/refusals-in-code.js';
import type { Json } from '../support/shop.js';
import { validated } from '../../src/gates/validate.js';

const DOCS = join(import.meta.dirname, '../../docs');
const run = promisify(execFile);
const committed = (path: string): string => readFileSync(join(DOCS, path), 'utf8');
const openapi = (): Json => JSON.parse(committed('contracts/openapi.json'));
const asyncapi = (): Json => JSON.parse(committed('contracts/asyncapi.json'));

let of: Sources;
beforeAll(() => {
  of = sources();
});

it('has committed what the code says; if not: npm run docs', () => {
  for (const [path, text] of Object.entries(documents(of)))
    expect({ [path]: committed(path) }).toEqual({ [path]: text });
});

// The validators are programs of their own: what Jest makes of modules must not judge for them.
const validator = (name: string, path: string) =>
  run(process.execPath, [join(import.meta.dirname, 'validators', name), join(DOCS, path)]);

it('is OpenAPI 3.1 to a real linter, with examples that fit their schemas', async () => {
  expect(openapi().openapi).toMatch(/^3\.1\./);
  expect((await validator('openapi.mjs', 'contracts/openapi.json')).stdout).toBe('');
});

it('is AsyncAPI 3 to the official parser', async () => {
  expect(asyncapi().asyncapi).toMatch(/^3\./);
  expect((await validator('asyncapi.mjs', 'contracts/asyncapi.json')).stdout).toBe('');
});

it('describes every way in: each operation over REST, and over RabbitMQ where it is taken', () => {
  const { paths } = openapi();
  const { operations } = asyncapi();
  for (const { traits, type, rest, amqp } of of.surface) {
    for (const { method, path } of rest) {
      const described = paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      expect(described).toMatchObject({ operationId: type.name[0]!.toLowerCase() + type.name.slice(1) });
      expect(described.security).toEqual([{ bearer: [traits.scope] }]);
    }
    expect(operations[traits.name]?.action).toBe(amqp ? 'receive' : undefined);
  }
});

it('says the limits that are judged by', () => {
  const { schemas } = openapi().components;
  expect(schemas.PlaceOrderBody).toMatchObject({
    additionalProperties: false,
    required: ['email', 'currency', 'lines', 'paymentMethod'],
    properties: {
      lines: {
        minItems: 1,
        maxItems: 100,
        items: { properties: { quantity: { type: 'integer', minimum: 1, maximum: 10_000 } } },
      },
      note: { maxLength: 2_000 },
    },
  });
  const list = openapi().paths['/v1/orders'].get.parameters;
  expect(list.find(({ name }: Json) => name === 'pageSize').schema).toMatchObject({ minimum: 1, maximum: 200 });
});

it('gives examples that the gates would take', () => {
  const { components } = asyncapi();
  for (const { traits, type, amqp } of of.surface)
    if (amqp) for (const { payload } of components.messages[traits.name].examples) validated(type, payload);
});

it('has every event of the contract in AsyncAPI, and nothing that stays inside', () => {
  const sent = Object.entries<Json>(asyncapi().operations).filter(([, { action }]) => action === 'send');
  const names = sent.map(([name]) => name);
  const order = ['placed', 'authorised', 'reserved', 'confirmed', 'rejected', 'cancelled'];
  const payment = ['authorised', 'declined', 'captured', 'voided', 'refunded', 'failed'];
  const stock = ['reserved', 'refused', 'sold', 'released', 'received'];
  expect(names.sort()).toEqual(
    [
      ...order.map((one) => `orders.order-${one}.v1`),
      ...payment.map((one) => `payments.payment-${one}.v1`),
      ...stock.map((one) => `inventory.stock-${one}.v1`),
      'inventory.item-put.v1',
      // Over the WebSocket.
      'orders.live-error',
      'orders.update',
    ].sort(),
  );
});

describe('the catalogue of errors', () => {
  /** Seen by operators only, in the repair desk. */
  const INSIDE = ['story-bug'];
  /** Said to what is asked on a stream that is open already. */
  const ON_STREAMS = ['too-many-orders'];

  it('has for each refusal of a module an operation that says it (name it in `refuses` of its @Operation)', () => {
    const ofModules = of.refusals.filter(({ said }) =>
      said.every(({ file }) => /^(orders|payments|inventory|notifications|ops)\//.test(file)),
    );
    const homeless = ofModules.filter(({ operations }) => operations.length === 0).map(({ code }) => code);
    expect(homeless).toEqual([...INSIDE, ...ON_STREAMS]);
  });

  it('knows every code that an operation names', () => {
    const known = new Set(of.refusals.map(({ code }) => code));
    const named = of.surface.flatMap(({ traits }) => traits.refuses ?? []);
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  });

  it('has a name for each code that AIP-193 takes as a reason, and none too long for it', () => {
    for (const { code } of of.refusals) expect(code).toMatch(/^[a-z][a-z-]{1,61}[a-z]$/);
  });

  it('finds a refusal however it is written, and stops at a code that is not written out', () => {
    const found = refusalsOf(
      'orders/orders.failures.ts',
      `/** Too late. */
       export const late = (id: string) => new Failure('conflict', 'too-late', \`\${id} is over.\`);
       const gone = (id: string) => notFound('parcel', id);
       const away = unavailable('post-away', 'The post is closed.');
       const wrong = () => invalid([{ field: 'weight', message: 'must be positive' }], 'no-weight');`,
    );
    expect(found.map(({ kind, code, says, note }) => [kind, code, says, note])).toEqual([
      ['conflict', 'too-late', '{id} is over.', 'Too late.'],
      ['not-found', 'parcel-not-found', 'There is no parcel {id}.', undefined],
      ['unavailable', 'post-away', 'The post is closed.', undefined],
      ['invalid', 'no-weight', 'weight: must be positive', undefined],
    ]);
    expect(() => refusalsOf('a.ts', `new Failure('conflict', code, 'No.')`)).toThrow('not written out');
  });
});
