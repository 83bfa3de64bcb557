import { SCOPES, type Scope } from '../access/principal.js';

/** One setting: how its text is read, and what a good one looks like. */
export interface Setting<T> {
  expects: string;
  /** undefined = not of the expected form. */
  parse(text: string): T | undefined;
  fallback: T;
}

function integer<T>(fallback: T, min: number, max: number, expects: string): Setting<number | T> {
  return {
    expects,
    fallback,
    parse: (text) => {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

export const count = (fallback: number, min: number, max: number): Setting<number> =>
  integer(fallback, min, max, `a whole number from ${min} to ${max}`);

export const port = (fallback: number): Setting<number> => integer(fallback, 0, 65_535, 'a port, 0 for any free one');

export const milliseconds = (fallback: number, min = 0): Setting<number> =>
  integer(fallback, min, 86_400_000, `milliseconds, ${min} to 86400000`);

/** Hours; fractions are allowed, so that tests need not wait. */
export const hours = (fallback: number): Setting<number> => ({
  expects: 'hours, a number from 0 to 8760',
  fallback,
  parse: (text) => (/^\d+(\.\d+)?$/.test(text) && Number(text) <= 8_760 ? Number(text) : undefined),
});

/** A part of the whole. */
export const share = (fallback: number): Setting<number> => ({
  expects: 'a number from 0 to 1',
  fallback,
  parse: (text) => (/^\d+(\.\d+)?$/.test(text) && Number(text) <= 1 ? Number(text) : undefined),
});

export function text(fallback: string, min?: number): Setting<string>;
export function text(fallback: undefined, min?: number): Setting<string | undefined>;
export function text(fallback: string | undefined, min = 1): Setting<string | undefined> {
  return {
    expects: min > 1 ? `a text of at least ${min} characters` : 'a text',
    fallback,
    parse: (t) => (t.length >= min ? t : undefined),
  };
}

export const url = (protocols: string[]): Setting<string | undefined> => ({
  expects: `a URL beginning with ${protocols.map((p) => `${p}//`).join(' or ')}`,
  fallback: undefined,
  parse: (t) => (URL.canParse(t) && protocols.includes(new URL(t).protocol) ? t : undefined),
});

const HOST_AND_PORT = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/;

/** Where gRPC calls go, as gRPC names it: a name whose addresses take turns, or the addresses themselves. */
export const grpcTarget: Setting<string | undefined> = {
  expects: 'dns:///host:port, or addresses such as ipv4:10.0.0.1:50051,10.0.0.2:50051',
  fallback: undefined,
  parse: (t) => {
    const [, name, addresses] = /^(?:dns:\/\/\/(.+)|ipv[46]:(.+))$/.exec(t) ?? [];
    const all = name === undefined ? (addresses?.split(',') ?? []) : [name];
    return all.length > 0 && all.every((one) => HOST_AND_PORT.test(one)) ? t : undefined;
  },
};

/** Where a web page may come from, as browsers write it: no path, no slash at the end. `*` is every page there is. */
export const origin: Setting<string | undefined> = {
  expects: 'origins such as https://shop.example, without a path, or *',
  fallback: undefined,
  parse: (t) => (t === '*' || (/^https?:/.test(t) && URL.canParse(t) && new URL(t).origin === t) ? t : undefined),
};

export function oneOf<T extends string>(values: readonly T[]): Setting<T | undefined>;
export function oneOf<T extends string>(values: readonly T[], fallback: T): Setting<T>;
export function oneOf<T extends string>(values: readonly T[], fallback?: T): Setting<T | undefined> {
  return {
    expects: values.length > 1 ? `one of ${values.join(', ')}` : values[0]!,
    fallback,
    parse: (t) => values.find((v) => v === t),
  };
}

/** Several of another setting, separated by commas. */
export const list = <T>(of: Setting<T | undefined>): Setting<NonNullable<T>[]> => ({
  expects: `${of.expects}; several separated by commas`,
  fallback: [],
  parse: (t) => {
    const values = t.split(',').map((part) => of.parse(part.trim()));
    return values.every((v) => v !== undefined && v !== null) ? values : undefined;
  },
});

export const scopes = (fallback: Scope[]): Setting<Scope[]> => ({
  expects: `scopes separated by spaces, of ${SCOPES.join(' ')}`,
  fallback,
  parse: (t) => {
    const named = t.split(/\s+/).filter(Boolean);
    return named.every((n) => (SCOPES as readonly string[]).includes(n)) ? (named as Scope[]) : undefined;
  },
});
