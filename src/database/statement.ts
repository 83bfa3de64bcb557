/** A statement with a name, so that each connection parses and plans it once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Names a statement. PostgreSQL keeps 63 bytes of the name, so longer ones are a mistake in the code. */
export function sql(name: string, text: string): Statement {
  if (name.length > 63) throw new Error(`statement name too long: ${name}`);
  return { name, text };
}
