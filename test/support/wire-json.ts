import protobuf from 'protobufjs';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { PROTO_DIRECTORY, protoFiles } from '../../src/gates/grpc/schema.js';
import type { Json } from './shop.js';

type Fields = Record<string, unknown>;

// As a client in Node has it, with not one line of ours.
const stock = loadSync(protoFiles(), {
  includeDirs: [PROTO_DIRECTORY],
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  oneofs: false,
});

/** What a stock client makes of the bytes of a message, after the known conversions: Timestamp, Struct, absent. */
export function asJson(type: protobuf.Type, bytes: Buffer): Json {
  const { deserialize } = stock[type.fullName.slice(1)] as MessageTypeDefinition<Fields, Fields>;
  return messageJson(type, deserialize(bytes));
}

/** The same of a message that a stock client has decoded already. */
export function messageJson(type: protobuf.Type, message: Fields): Fields {
  const entries = type.fieldsArray.flatMap((field): [string, unknown][] => {
    const value = message[field.name];
    // Without presence an empty value is a value; with it, absent is absent.
    if (value === undefined || value === null) return [];
    return [[field.name, Array.isArray(value) ? value.map((v) => valueJson(field, v)) : valueJson(field, value)]];
  });
  return Object.fromEntries(entries);
}

function valueJson({ resolvedType }: protobuf.Field, value: unknown): unknown {
  if (!(resolvedType instanceof protobuf.Type)) return value;
  if (resolvedType.name === 'Struct') return structJson(value as { fields: Fields });
  if (resolvedType.name !== 'Timestamp') return messageJson(resolvedType, value as Fields);
  const { seconds, nanos } = value as { seconds: number; nanos: number };
  return new Date(seconds * 1000 + nanos / 1e6).toISOString();
}

const structJson = ({ fields }: { fields: Fields }): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, memberJson(value as Fields)]));

function memberJson(value: Fields): unknown {
  const [kind, content] = Object.entries(value)[0]!;
  if (kind === 'nullValue') return null;
  if (kind === 'listValue') return (content as { values: Fields[] }).values.map(memberJson);
  return kind === 'structValue' ? structJson(content as { fields: Fields }) : content;
}

/** An input as a client of Protobuf writes it: free JSON as a Struct. What is no object stays, to be refused. */
export const asWritten = (type: protobuf.Type, input: object): Fields =>
  Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => {
      const free = type.fields[name]?.resolve().resolvedType?.fullName === '.google.protobuf.Struct';
      return [name, free && typeof value === 'object' && value ? asStruct(value as Fields) : value];
    }),
  );

const asStruct = (json: Fields): Fields => ({
  fields: Object.fromEntries(Object.entries(json).map(([name, value]) => [name, asMember(value)])),
});

function asMember(value: unknown): Fields {
  if (value === null) return { nullValue: 'NULL_VALUE' };
  if (Array.isArray(value)) return { listValue: { values: value.map(asMember) } };
  if (typeof value === 'object') return { structValue: asStruct(value as Fields) };
  return typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'number'
      ? { numberValue: value }
      : { boolValue: value };
}
