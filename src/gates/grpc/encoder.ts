import protobuf from 'protobufjs';
import { located, Unwritable, wellFormed, type Converter, type ConverterOf } from './converter.js';
import { hasPresence } from './shapes.js';
import { LENGTH_DELIMITED, VARINT } from './wire.js';

type Encode = Converter['encode'];

interface FieldWriter {
  name: string;
  write: Encode;
}

/** Compiles the writer of one message type: from then on no descriptor is looked at. */
export function compileEncoder(type: protobuf.Type, converterOf: ConverterOf): Encode {
  const fields = [...type.fieldsArray]
    .sort((a, b) => a.id - b.id)
    .map((field) => fieldWriter(field.resolve(), converterOf));
  return (value, writer) => {
    if (typeof value !== 'object' || value === null) throw new Unwritable('is no object');
    for (const { name, write } of fields) {
      const member = (value as Record<string, unknown>)[name];
      if (member === undefined) continue;
      try {
        write(member, writer);
      } catch (error) {
        throw located(error, name);
      }
    }
  };
}

function fieldWriter(field: protobuf.Field, converterOf: ConverterOf): FieldWriter {
  const { name } = field;
  const write = valueWriter(field, converterOf);
  if (!field.repeated) return { name, write };
  return {
    name,
    write: (values, writer) => {
      if (!Array.isArray(values)) throw new Unwritable('is no array');
      for (let i = 0; i < values.length; i++) {
        try {
          write(values[i], writer);
        } catch (error) {
          throw located(error, `[${i}]`);
        }
      }
    },
  };
}

/** A field without presence is left out when it is empty, as proto3 has it; one of a list is always written. */
function valueWriter(field: protobuf.Field, converterOf: ConverterOf): Encode {
  const always = hasPresence(field) || field.repeated;
  const varint = ((field.id << 3) | VARINT) >>> 0;
  const delimited = ((field.id << 3) | LENGTH_DELIMITED) >>> 0;
  const { resolvedType, type } = field;
  if (resolvedType instanceof protobuf.Enum) return enumWriter(varint, resolvedType, always);
  if (resolvedType instanceof protobuf.Type) return messageWriter(delimited, converterOf(resolvedType));
  if (type === 'string') return stringWriter(delimited, always);
  if (type === 'int64') return integerWriter(varint, always);
  if (type === 'bool') return booleanWriter(varint, always);
  throw new Error(`${field.fullName}: ${type} is not supported`);
}

const messageWriter =
  (tag: number, inner: Converter): Encode =>
  (value, writer) => {
    writer.uint32(tag).fork();
    inner.encode(value, writer);
    writer.ldelim();
  };

const stringWriter =
  (tag: number, always: boolean): Encode =>
  (value, writer) => {
    if (typeof value !== 'string') throw new Unwritable('is no string');
    if (always || value !== '') writer.uint32(tag).string(wellFormed(value));
  };

const integerWriter =
  (tag: number, always: boolean): Encode =>
  (value, writer) => {
    if (!Number.isSafeInteger(value)) throw new Unwritable('is no integer within 2^53');
    if (always || value !== 0) writer.uint32(tag).int64(value as number);
  };

const booleanWriter =
  (tag: number, always: boolean): Encode =>
  (value, writer) => {
    if (typeof value !== 'boolean') throw new Unwritable('is no boolean');
    if (always || value) writer.uint32(tag).bool(value);
  };

/** Names only, and only known ones: protobufjs and proto-loader send 0 for a name that they do not know. */
function enumWriter(tag: number, { values }: protobuf.Enum, always: boolean): Encode {
  const numbers = new Map(Object.entries(values));
  return (value, writer) => {
    const number = numbers.get(value as string);
    if (number === undefined) throw new Unwritable(`is none of ${[...numbers.keys()].join(', ')}`);
    if (always || number !== 0) writer.uint32(tag).int32(number);
  };
}
