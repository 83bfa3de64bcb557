import * as fc from 'fast-check';
import { schemaOfClass, type JsonSchema } from '../../src/documents/generator/json-schema.js';
import { type Surface, surface } from '../../src/documents/generator/surface.js';
import { requestType } from './caller.js';
import { asWritten } from './wire-json.js';

/** Operations of one call, each as likely as the others. */
export const anyOperation: fc.Arbitrary<Surface> = fc.constantFrom(
  ...surface().filter(({ traits }) => !traits.streams),
);

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 200 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '\u202e',
    '__proto__',
    'constructor',
    "'; DROP TABLE orders.orders --",
    '{{7*7}}',
    '../../etc/passwd',
  ),
);

const anyNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 31, 2 ** 53 + 1, 1e12 + 1, Number.MAX_VALUE, Number.MIN_VALUE),
);

/** Any value that JSON can say, deep and wide ones too. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  anyText,
  anyNumber,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 6 }),
  fc
    .integer({ min: 1, max: 60 })
    .map((depth) => Array.from({ length: depth }).reduce((inner) => [inner], 1 as unknown)),
);

/** A value as a schema wants it. */
function good(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema['enum']) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if (schema.type === 'integer')
    return fc.integer({
      min: Number(schema['minimum'] ?? 0),
      max: Math.min(Number(schema['maximum'] ?? 9), 2 ** 31 - 1),
    });
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'array') return fc.array(good(schema['items'] ?? {}), { minLength: 1, maxLength: 3 });
  if (schema.type === 'object') return input(schema, 0.1);
  return fc.stringMatching(/^[A-Za-z0-9._-]{1,30}$/);
}

/** An input whose fields are right or anything, and which may lack some or have others. */
function input(schema: JsonSchema, wrong: number): fc.Arbitrary<Record<string, unknown>> {
  const weights = { good: 100 - wrong * 100, wrong: wrong * 100 };
  const fields = Object.entries(schema.properties ?? {}).map(([name, of]) => [
    name,
    fc.oneof({ arbitrary: good(of), weight: weights.good }, { arbitrary: anyJson, weight: weights.wrong }),
  ]);
  const known = fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] });
  const more = fc.oneof({ arbitrary: fc.constant({}), weight: 9 }, fc.dictionary(anyText, anyJson, { maxKeys: 2 }));
  return fc.tuple(known, more).map(([one, other]) => ({ ...one, ...other }));
}

/** Anything that might be meant as the input of an operation. */
export const anyInput = (of: Surface): fc.Arbitrary<Record<string, unknown>> => input(schemaOfClass(of.type), 0.3);

/** A body as text: JSON, JSON that was cut or spoiled, or anything at all. */
export const anyBody = (of: Surface): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { arbitrary: anyInput(of).map((one) => Buffer.from(JSON.stringify(one))), weight: 4 },
    spoiled(anyInput(of).map((one) => Buffer.from(JSON.stringify(one)))),
    anyJson.map((one) => Buffer.from(JSON.stringify(one) ?? '')),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );

/** A message as Protobuf: whole, cut, with bytes changed or fields added, or anything at all. */
export function anyMessage(of: Surface): fc.Arbitrary<Buffer> {
  const type = requestType(of);
  const whole = input(schemaOfClass(of.type), 0).map((one) => {
    try {
      return Buffer.from(type.encode(type.fromObject(asWritten(type, one))).finish());
    } catch {
      // What protobufjs cannot write at all is not what is tried here.
      return Buffer.alloc(0);
    }
  });
  const bytes = fc.uint8Array({ maxLength: 100 }).map((one) => Buffer.from(one));
  return fc.oneof(
    whole,
    spoiled(whole),
    bytes,
    fc.tuple(whole, bytes).map((parts) => Buffer.concat(parts)),
  );
}

/** The same bytes, cut off or with one of them changed. */
const spoiled = (from: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.tuple(from, fc.nat(), fc.nat(255), fc.boolean()).map(([bytes, at, value, cut]) => {
    if (bytes.length === 0) return bytes;
    const place = at % bytes.length;
    if (cut) return bytes.subarray(0, place);
    const changed = Buffer.from(bytes);
    changed[place] = value;
    return changed;
  });

const NAMES = [
  'idempotency-key',
  'prefer',
  'traceparent',
  'x-request-id',
  'if-none-match',
  'accept',
  'content-type',
  'x-death',
];

/** Headers that a client of HTTP or gRPC can send at all: visible bytes, spaces and tabs. */
export const anyHeaders = (visible: RegExp): fc.Arbitrary<Record<string, string>> =>
  fc.dictionary(
    fc.constantFrom(...NAMES),
    fc.oneof(fc.stringMatching(visible), fc.constantFrom('', '"', 'wait=-1', 'wait=1e9', '*')),
    {
      maxKeys: 3,
    },
  );
