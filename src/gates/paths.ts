import type { FieldViolation } from '../failure.js';

/** Longest path that is echoed: a caller chooses the names of unknown fields, up to the size of a body. */
const MAX_PATH = 120;

/** A path as callers read it, e.g. `lines[0].quantity`. */
export function path(keys: readonly (string | number)[]): string {
  let text = '';
  for (const key of keys) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text ? `.${key}` : key;
    if (text.length > MAX_PATH) return `${text.slice(0, MAX_PATH).toWellFormed()}…`;
  }
  return text.replaceAll('\0', '\\0').toWellFormed();
}

/** Fields of inputs; what else can be wrong (`idempotency-key`, `query`, …) is no place in an input. */
const FIELD = /^(?!query$)[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*$/;

/**
 * The same as a JSON Pointer (RFC 6901) in the form of a URI fragment, as RFC 9457 shows it: `#/lines/0/quantity`, `#` for
 * the whole input. Undefined when it names nothing in the input.
 */
export function pointerOf(field: string): string | undefined {
  if (field === 'body') return '#';
  return FIELD.test(field) ? `#/${field.replaceAll(']', '').split(/[.[]/).join('/')}` : undefined;
}

/** What is wrong, and where in the input, as a path and as a JSON Pointer. */
export type Pointed = FieldViolation & { pointer?: string };

/** Says where in the input a violation is. */
export function pointed(violation: FieldViolation): Pointed {
  const pointer = pointerOf(violation.field);
  return pointer === undefined ? violation : { ...violation, pointer };
}
