import { invalid } from '../failure.js';

/** The quoted form of RFC 9651, 3.3.3: only `"` and `\` are escaped. */
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;
const PRINTABLE = /^[ -~]{1,255}$/;

/** The idempotency key as it is stored, whether it came quoted or bare; without one every call is a new command. */
export function idempotencyKey(raw?: string): string | undefined {
  if (raw === undefined) return undefined;
  const key = raw.startsWith('"') ? QUOTED.exec(raw)?.[1]?.replace(/\\(.)/g, '$1') : raw;
  if (key !== undefined && PRINTABLE.test(key)) return key;
  const message = 'must be 1 to 255 printable ASCII characters, in double quotes or bare';
  throw invalid([{ field: 'idempotency-key', message }], 'invalid-idempotency-key');
}
