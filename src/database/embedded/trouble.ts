const WAY_OUT = 'Set DATABASE_URL to use a PostgreSQL of your own';

/** Why the embedded PostgreSQL cannot serve, ending with what the reader can do next. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  constructor(problem: string, remedy?: string) {
    super(`Embedded PostgreSQL: ${problem}. ${WAY_OUT}${remedy ? `, or ${remedy}` : ''}.`);
  }
}

/** The `code` of a system error, e.g. ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Lets the named system errors pass and throws every other. */
export function pass(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
  };
}
