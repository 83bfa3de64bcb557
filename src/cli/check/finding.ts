/** What was found of one thing: how it is, and, when it is not well, what to do. */
export interface Finding {
  level: 'ok' | 'warn' | 'fail';
  about: string;
  says: string;
  advice?: string;
}

export const ok = (about: string, says: string): Finding => ({ level: 'ok', about, says });
export const warn = (about: string, says: string, advice: string): Finding => ({ level: 'warn', about, says, advice });
export const fail = (about: string, says: string, advice: string): Finding => ({ level: 'fail', about, says, advice });

/** A look that ends with an error is a finding as well, and keeps nobody from looking at the rest. */
export async function looked(
  about: string,
  advice: string,
  look: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    return [fail(about, reasonOf(error), advice)];
  }
}

/** One line of the report. */
export const lineOf = ({ level, about, says, advice }: Finding): string =>
  `${level.padEnd(4)}  ${about.padEnd(12)}  ${says}${advice ? `. ${advice}.` : ''}`;

/** Node gathers what it tried for one name in an error without a message, and fetch tells its reason apart. */
function reasonOf(error: unknown): string {
  const { message, code, errors, cause } = error as {
    message?: string;
    code?: string;
    errors?: Error[];
    cause?: unknown;
  };
  if (cause) return reasonOf(cause);
  return message || errors?.map((one) => one.message).join(', ') || code || String(error);
}
