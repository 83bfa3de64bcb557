import protobuf from 'protobufjs';
import { deeper, located, type Converter, type ConverterOf } from './converter.js';
import { blankOf, hasPresence, withoutAbsent } from './shapes.js';
import { LENGTH_DELIMITED, Unreadable, VARINT, type Wire } from './wire.js';

type Json = Record<string, unknown>;
type Decode = Converter['decode'];

interface FieldReader {
  name: string;
  /** The only wire type accepted; another means a client with another schema, and not an unknown field. */
  wireType: number;
  read(message: Json, wire: Wire, depth: number): void;
}

/** An empty message costs two bytes on the wire and a hundred here, before validation can count them. */
const MAX_ITEMS = 10_000;

/** Compiles the reader of one message type: from then on no descriptor is looked at. */
export function compileDecoder(type: protobuf.Type, converterOf: ConverterOf): Decode {
  const readers: FieldReader[] = [];
  for (const field of type.fieldsArray) readers[field.id] = fieldReader(field.resolve(), converterOf);
  const blank = blankOf(type);
  const finished = withoutAbsent(type);
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
    return finished(message);
  };
}

function fieldReader(field: protobuf.Field, converterOf: ConverterOf): FieldReader {
  const { name } = field;
  if (field.resolvedType instanceof protobuf.Enum) return enumReader(field, field.resolvedType);
  const [wireType, decode] = valueReader(field, converterOf);
  if (!field.repeated) return { name, wireType, read: (message, wire, depth) => (message[name] = decode(wire, depth)) };
  if (wireType === VARINT) throw new Error(`${field.fullName}: packed fields are not supported`);
  const read = (message: Json, wire: Wire, depth: number): void => {
    const items = message[name] as unknown[];
    if (items.length === MAX_ITEMS) throw new Unreadable(`has more than ${MAX_ITEMS} items`);
    items.push(decode(wire, depth));
  };
  return { name, wireType, read };
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
    message[name] = number === 0 && optional ? undefined : (valuesById[number] ?? number);
  };
  return { name, wireType: VARINT, read };
}

function pathOf(reader: FieldReader | undefined, message: Json): string {
  if (!reader) return '';
  const value = message[reader.name];
  return Array.isArray(value) ? `${reader.name}[${value.length}]` : reader.name;
}
