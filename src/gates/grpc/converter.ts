import type protobuf from 'protobufjs';
import { MAX_DEPTH, Unreadable, type Wire } from './wire.js';

/** One message type, between its bytes and its JSON form. */
export interface Converter {
  /** Reads up to `wire.end`; throws Unreadable. */
  decode: (wire: Wire, depth: number) => unknown;
  /** Writes the fields; throws Unwritable. */
  encode: (value: unknown, writer: protobuf.Writer) => void;
}

/** Finds the converter of a field's type; it may still be compiling, because a type may contain itself. */
export type ConverterOf = (type: protobuf.Type) => Converter;

/** An answer of ours that does not fit its message: a bug here, never the caller's fault. */
export class Unwritable extends Error {
  path = '';
}

/** Reads the message that begins here with `decode`. */
export function within<T>(wire: Wire, depth: number, decode: (wire: Wire, depth: number) => T): T {
  const outer = wire.enter();
  const value = decode(wire, depth);
  wire.end = outer;
  return value;
}

/** The same, one level deeper. */
export function deeper<T>(wire: Wire, depth: number, decode: (wire: Wire, depth: number) => T): T {
  if (depth >= MAX_DEPTH) throw new Unreadable(`is nested deeper than ${MAX_DEPTH}`);
  return within(wire, depth + 1, decode);
}

/** Puts the field's name before the path of an error that is on its way up. */
export function located(error: unknown, field: string): unknown {
  if (error instanceof Unreadable || error instanceof Unwritable) {
    error.path = field + (field && /^[^[]/.test(error.path) ? `.${error.path}` : error.path);
  }
  return error;
}

/** A lone surrogate becomes U+FFFD; protobufjs would write bytes that are not UTF-8. (TypeScript's ES2023 does not know it.) */
export const wellFormed = (text: string): string => (text as string & { toWellFormed(): string }).toWellFormed();
