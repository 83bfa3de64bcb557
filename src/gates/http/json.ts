import { isUtf8 } from 'node:buffer';
import { Undecodable } from '../admit.js';

/** The value of a JSON body, or why there is none. Names given twice are refused: parsers differ in which of them counts. */
export function parsedJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return new Undecodable('is not UTF-8');
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Undecodable('is not JSON');
  }
  const name = duplicateName(text);
  return name === undefined ? value : new Undecodable('was given more than once', shown(name));
}

/** The first name that one object of this text carries twice. The text is known to be JSON, so the scan trusts it. */
export function duplicateName(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    const char = json.charCodeAt(i);
    if (char === OBJECT) open.push(new Set());
    else if (char === LIST) open.push(undefined);
    else if (char === OBJECT_END || char === LIST_END) open.pop();
    else if (char === QUOTE) {
      const end = endOfString(json, i);
      const names = open.at(-1);
      if (names && isName(json, end)) {
        const name = named(json.slice(i, end + 1));
        if (names.has(name)) return name;
        names.add(name);
      }
      i = end;
    }
  }
  return undefined;
}

const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const LIST = 0x5b;
const LIST_END = 0x5d;
const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

function endOfString(json: string, start: number): number {
  for (let i = json.indexOf('"', start + 1); ; i = json.indexOf('"', i + 1)) {
    let slashes = 0;
    while (json.charCodeAt(i - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return i;
  }
}

function isName(json: string, end: number): boolean {
  let i = end + 1;
  while (json.charCodeAt(i) <= SPACE) i++;
  return json.charCodeAt(i) === COLON;
}

const named = (quoted: string): string =>
  quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);

const shown = (name: string): string => (name.length > 120 ? `${name.slice(0, 120)}…` : name).toWellFormed();
