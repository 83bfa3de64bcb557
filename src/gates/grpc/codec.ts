import protobuf from 'protobufjs';
import { Undecodable } from '../admit.js';
import { Unwritable, type Converter } from './converter.js';
import { compileDecoder } from './decoder.js';
import { compileEncoder } from './encoder.js';
import { schema } from './schema.js';
import { struct } from './struct.js';
import { timestamp } from './timestamp.js';
import { Unreadable, Wire } from './wire.js';

/**
 * One message between Protobuf bytes and our JSON view: camelCase names, enum names as strings, int64 as numbers,
 * Timestamp as ISO 8601 in UTC with milliseconds, Struct as plain JSON, absent `optional` fields absent.
 */
export interface ProtoCodec {
  /** Throws for what is not this message, naming the field; unknown members are left out. */
  encode: (json: object) => Buffer;
  /** Throws Unreadable. Integers beyond 2^53 come imprecise and enum numbers we do not know as numbers: validation refuses both. */
  decode: (bytes: Uint8Array) => object;
}

const converters = new Map<protobuf.Type, Converter>();
const codecs = new Map<string, ProtoCodec>();

/** The codec of one of our messages, e.g. `sanmon.orders.v1.Order`; compiled once. Knows nothing of gRPC: AMQP uses it too. */
export function protoCodec(fullName: string): ProtoCodec {
  let codec = codecs.get(fullName);
  if (!codec) codecs.set(fullName, (codec = codecOf(schema().lookupType(fullName))));
  return codec;
}

/** The codec of any message type. */
export function codecOf(type: protobuf.Type): ProtoCodec {
  const converter = converterOf(type);
  return {
    encode(json) {
      const writer = protobuf.Writer.create();
      try {
        converter.encode(json, writer);
      } catch (error) {
        if (error instanceof Unwritable)
          throw new TypeError(`${type.name}: ${error.path} ${error.message}`, { cause: error });
        throw error;
      }
      return writer.finish() as Buffer;
    },
    decode(bytes) {
      const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return converter.decode(new Wire(buffer), 1) as object;
    },
  };
}

/** The input that these bytes are, or the Undecodable that admission refuses. */
export function decodeInput(codec: ProtoCodec, bytes: Uint8Array): object {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (error instanceof Unreadable) return new Undecodable(error.message, error.path || undefined);
    throw error;
  }
}

function converterOf(type: protobuf.Type): Converter {
  const known = WELL_KNOWN[type.fullName] ?? converters.get(type);
  if (known) return known;
  // Entered before its fields are compiled, because a type may contain itself.
  const converter = {} as Converter;
  converters.set(type, converter);
  return Object.assign(converter, {
    decode: compileDecoder(type, converterOf),
    encode: compileEncoder(type, converterOf),
  });
}

const WELL_KNOWN: Readonly<Record<string, Converter>> = {
  '.google.protobuf.Timestamp': timestamp,
  '.google.protobuf.Struct': struct,
};
