import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import { messageJson } from '../../../test/support/wire-json.js';
import { protoCodec } from './codec.js';
import { PROTO_DIRECTORY, protoFiles, schema } from './schema.js';

type Json = Record<string, unknown>;

// As a client in Node has it, with not one line of ours.
const stock = loadSync(protoFiles(), {
  includeDirs: [PROTO_DIRECTORY],
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  oneofs: false,
});

// Nested messages come along with those that contain them.
const messages = (space: protobuf.NamespaceBase): protobuf.Type[] =>
  space.nestedArray.flatMap((child) => {
    if (child instanceof protobuf.Type) return [child];
    return child instanceof protobuf.Service ? [] : child instanceof protobuf.Namespace ? messages(child) : [];
  });
const ours = messages(schema().lookup('sanmon') as protobuf.Namespace);

/** A message with every field set, each to something of its own; `optional` ones only when asked for. */
function sample(type: protobuf.Type, optionals: boolean): Json {
  const fields = type.fieldsArray.filter((field) => optionals || field.partOf === null);
  return Object.fromEntries(fields.map((field) => [field.name, valueOf(field, optionals)]));
}

function valueOf(field: protobuf.Field, optionals: boolean): unknown {
  const one = (i: number): unknown => {
    const { resolvedType, id } = field;
    if (resolvedType instanceof protobuf.Enum) return Object.keys(resolvedType.values).at(-1);
    if (resolvedType?.name === 'Timestamp') return new Date(id * 1e12 + i + 7).toISOString();
    if (resolvedType?.name === 'Struct') return { text: field.name, list: [i, null, true, { deep: 'é' }] };
    if (resolvedType instanceof protobuf.Type) return sample(resolvedType, optionals);
    return field.type === 'int64' ? 10 ** 12 - id - i : field.type === 'bool' ? true : `${field.name} ${i} 三門`;
  };
  return field.repeated ? [one(0), one(1)] : one(0);
}

describe.each(ours.map((type) => [type.fullName.slice(1), type] as const))('%s', (name, type) => {
  const codec = protoCodec(name);

  it.each([true, false])('reaches a stock client field by field, and back (optionals: %s)', (optionals) => {
    const json = sample(type, optionals);
    const deserialize = (stock[name] as MessageTypeDefinition<Json, Json>).deserialize;
    expect(messageJson(type, deserialize(codec.encode(json)))).toStrictEqual(json);
    expect(JSON.stringify(codec.decode(codec.encode(json)))).toBe(JSON.stringify(json));
  });
});
