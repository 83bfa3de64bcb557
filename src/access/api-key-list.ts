import { hash } from 'node:crypto';
import { SCOPES, type Principal, type Scope } from './principal.js';

/** Keys by the SHA-256 of their secrets; the secrets themselves are nowhere. */
export type KeyTable = ReadonlyMap<string, Principal>;

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const SECRET = /^[!-9;-~]{1,255}$/;
const FORM = 'expected name:secret:scope+scope';

/** What is kept of a secret. 256 random bits need no salt, and looking a hash up tells nothing by its timing. */
export const hashOf = (secret: string): string => hash('sha256', secret, 'hex');

/**
 * Reads `name:secret:scope+scope;…` (line ends separate as well). A bad entry does not hurt the others; it is reported
 * by its name, or by its place where the name may well be a secret, and never by anything else that stands in it.
 */
export function parseApiKeys(text: string): { keys: KeyTable; problems: string[] } {
  const keys = new Map<string, Principal>();
  const problems: string[] = [];
  const entries = text.split(/[;\r\n]/).map((entry) => entry.trim());
  entries.forEach((entry, index) => {
    if (!entry) return;
    const { name, secret, scopes, problem } = parts(entry, `entry ${index + 1}`);
    if (problem) return void problems.push(problem);
    const sum = hashOf(secret);
    if (keys.has(sum)) return void problems.push(`${name}: its secret is that of ${nameOf(keys.get(sum)!)}`);
    keys.set(sum, { name: `key:${name}`, scopes: new Set(scopes) });
  });
  return { keys, problems };
}

interface Entry {
  name: string;
  secret: string;
  scopes: Scope[];
  problem?: string;
}

function parts(entry: string, place: string): Entry {
  const [name = '', secret = '', ...rest] = entry.split(':');
  const words = rest.join(':').split('+');
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  const problem = (why: string): string => `${NAME.test(name) && rest.length > 0 ? name : place}: ${why}`;
  if (rest.length === 0 || !NAME.test(name)) return { name, secret, scopes, problem: problem(FORM) };
  if (!SECRET.test(secret)) {
    return { name, secret, scopes, problem: problem('a secret is 1 to 255 printable ASCII characters without spaces') };
  }
  const unknown = words.filter((word) => !scopes.includes(word as Scope)).length;
  // Not named: whoever mixed up the order has written the secret here.
  return unknown
    ? { name, secret, scopes, problem: problem(`scopes are ${SCOPES.join(', ')}`) }
    : { name, secret, scopes };
}

const nameOf = ({ name }: Principal): string => name.slice('key:'.length);
