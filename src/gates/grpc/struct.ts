import type protobuf from 'protobufjs';
import { deeper, Unwritable, wellFormed, within, type Converter } from './converter.js';
import { FIXED64, LENGTH_DELIMITED, VARINT, type Wire } from './wire.js';

// google/protobuf/struct.proto: Struct { map<string, Value> fields = 1 }, ListValue { repeated Value values = 1 },
// Value { oneof kind { null_value = 1; number_value = 2; string_value = 3; bool_value = 4; struct_value = 5; list_value = 6 } }
const ONE = (1 << 3) | LENGTH_DELIMITED;
const TWO = (2 << 3) | LENGTH_DELIMITED;
const NULL = (1 << 3) | VARINT;
const NUMBER = (2 << 3) | FIXED64;
const STRING = (3 << 3) | LENGTH_DELIMITED;
const BOOLEAN = (4 << 3) | VARINT;
const STRUCT = (5 << 3) | LENGTH_DELIMITED;
const LIST = (6 << 3) | LENGTH_DELIMITED;

/** google.protobuf.Struct as the JSON object it stands for. */
export const struct: Converter = { decode: readStruct, encode: writeStruct };

function readStruct(wire: Wire, depth: number): object {
  const members: [string, unknown][] = [];
  while (wire.at < wire.end) {
    const tag = wire.tag();
    if (tag === ONE) members.push(within(wire, depth, readMember));
    else wire.skip(tag);
  }
  return Object.fromEntries(members); // which defines and does not assign: `__proto__` is a name like any other
}

function readMember(wire: Wire, depth: number): [string, unknown] {
  let name = '';
  let value: unknown = null;
  while (wire.at < wire.end) {
    const tag = wire.tag();
    if (tag === ONE) name = wire.string();
    else if (tag === TWO) value = within(wire, depth, readValue);
    else wire.skip(tag);
  }
  return [name, value];
}

function readValue(wire: Wire, depth: number): unknown {
  let value: unknown = null;
  while (wire.at < wire.end) {
    const tag = wire.tag();
    if (tag === STRING) value = wire.string();
    else if (tag === NUMBER) value = wire.double();
    else if (tag === BOOLEAN) value = wire.int64() !== 0;
    else if (tag === STRUCT) value = deeper(wire, depth, readStruct);
    else if (tag === LIST) value = deeper(wire, depth, readList);
    else {
      wire.skip(tag);
      if (tag === NULL) value = null;
    }
  }
  return value;
}

function readList(wire: Wire, depth: number): unknown[] {
  const values: unknown[] = [];
  while (wire.at < wire.end) {
    const tag = wire.tag();
    if (tag === ONE) values.push(within(wire, depth, readValue));
    else wire.skip(tag);
  }
  return values;
}

function writeStruct(value: unknown, writer: protobuf.Writer): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unwritable('is no JSON object');
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    writer.uint32(ONE).fork().uint32(ONE).string(wellFormed(name)).uint32(TWO).fork();
    writeValue(member, writer);
    writer.ldelim().ldelim();
  }
}

function writeValue(value: unknown, writer: protobuf.Writer): void {
  if (value === null || value === undefined) writer.uint32(NULL).uint32(0);
  else if (typeof value === 'string') writer.uint32(STRING).string(wellFormed(value));
  else if (typeof value === 'boolean') writer.uint32(BOOLEAN).bool(value);
  else if (typeof value === 'number' && Number.isFinite(value)) writer.uint32(NUMBER).double(value);
  else if (Array.isArray(value)) writeList(value, writer.uint32(LIST).fork());
  else {
    writer.uint32(STRUCT).fork();
    writeStruct(value, writer);
    writer.ldelim();
  }
}

function writeList(values: unknown[], writer: protobuf.Writer): void {
  for (const value of values) {
    writer.uint32(ONE).fork();
    writeValue(value, writer);
    writer.ldelim();
  }
  writer.ldelim();
}
