import protobuf from 'protobufjs';
import { deeper, located, type Converter, type ConverterOf } from './converter.js';
import { LENGTH_DELIMITED, Unreadable, VARINT, type Wire } from './wire.js';

type Json = Record<string, unknown>;
type Decode = Converter['decode'];

interface FieldReader {
  name: string;
  /** The only wire type accepted; another means a client with another schema, and not an unknown field. */
  wireType: number;
  read(message: Json, wire: Wire, depth: number): void;
}

/** Compiles the reader of one message type: from then on no descriptor is looked at. */
export function compileDecoder(type: protobuf.Type, converterOf: ConverterOf): Decode {
  const readers: FieldReader[] = [];
  for (const field of type.fieldsArray) readers[field.id] = fieldReader(field.resolve(), converterOf);
  const blank = absentFields(type);
  const lists = type.fieldsArray.filter((field) => field.repeated).map((field) => field.name);
  return (wire, depth) => {
    const message: Json = { ...blank };
    for (const name of lists) message[name] = [];
    let reader: FieldReader | undefined;
    try {
      while (wire.at < wire.end) {
        reader = undefined;
        const tag = wire.tag();
        reader = readers[tag >>> 3];
        if (reader === undefined) wire.skip(tag);
        else if (reader.wireType !== (tag & 7)) throw new Unreadable('is of another type on the wire');
        else reader.read(message, wire, depth);
      }
    } catch (error) {
      throw located(error, pathOf(reader, message));
    }
    return message;
  };
}

/** What proto3 says of a field that is not on the wire; `optional` fields and messages are then absent. */
function absentFields(type: protobuf.Type): Json {
  const blank: Json = {};
  for (const field of type.fieldsArray) {
    if (field.repeated) blank[field.name] = undefined;
    else if (hasPresence(field)) continue;
    else if (field.resolvedType instanceof protobuf.Enum) blank[field.name] = field.resolvedType.valuesById[0];
    else blank[field.name] = ABSENT[field.type];
  }
  return blank;
}

const ABSENT: Record<string, unknown> = { string: '', int64: 0, bool: false };

/** Whether absent and empty are two things for this field. */
export const hasPresence = (field: protobuf.Field): boolean =>
  field.partOf !== null || field.resolvedType instanceof protobuf.Type;

function fieldReader(field: protobuf.Field, converterOf: ConverterOf): FieldReader {
  const { name } = field;
  if (field.resolvedType instanceof protobuf.Enum) return enumReader(field, field.resolvedType);
  const [wireType, decode] = valueReader(field, converterOf);
  if (!field.repeated) return { name, wireType, read: (message, wire, depth) => (message[name] = decode(wire, depth)) };
  if (wireType === VARINT) throw new Error(`${field.fullName}: packed fields are not supported`);
  return { name, wireType, read: (message, wire, depth) => (message[name] as unknown[]).push(decode(wire, depth)) };
}

function valueReader(field: protobuf.Field, converterOf: ConverterOf): [number, Decode] {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    const inner = converterOf(resolvedType);
    return [LENGTH_DELIMITED, (wire, depth) => deeper(wire, depth, inner.decode)];
  }
  if (field.type === 'string') return [LENGTH_DELIMITED, (wire) => wire.string()];
  if (field.type === 'int64') return [VARINT, (wire) => wire.int64()];
  if (field.type === 'bool') return [VARINT, (wire) => wire.int64() !== 0];
  throw new Error(`${field.fullName}: ${field.type} is not supported`);
}

/** Unknown numbers stay numbers, for validation to refuse; an `optional` field that says UNSPECIFIED is absent. */
function enumReader(field: protobuf.Field, { valuesById }: protobuf.Enum): FieldReader {
  const { name } = field;
  if (field.repeated) throw new Error(`${field.fullName}: packed fields are not supported`);
  const optional = hasPresence(field);
  const read = (message: Json, wire: Wire): void => {
    const number = wire.int32();
    if (number === 0 && optional) delete message[name];
    else message[name] = valuesById[number] ?? number;
  };
  return { name, wireType: VARINT, read };
}

function pathOf(reader: FieldReader | undefined, message: Json): string {
  if (!reader) return '';
  const value = message[reader.name];
  return Array.isArray(value) ? `${reader.name}[${value.length}]` : reader.name;
}
