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
