import type { QueryConfig } from 'pg';
import { textArraysIn, withTextArrays } from './text-arrays.js';

/** A statement with a name, so that each connection parses and plans it once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Which of its values, counted from 0, are arrays of texts. */
  readonly textArrays: readonly number[];
}

/** Names a statement. PostgreSQL keeps 63 bytes of the name, so longer ones are a mistake in the code. */
export function sql(name: string, text: string): Statement {
  if (name.length > 63) throw new Error(`statement name too long: ${name}`);
  return { name, text, textArrays: textArraysIn(text) };
}

/** A statement with its values as the driver takes it. */
export const queryOf = ({ name, text, textArrays }: Statement, values: unknown[]): QueryConfig => ({
  name,
  text,
  values: withTextArrays(textArrays, values),
});
