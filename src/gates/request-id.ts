/** What may stand in a log line and in a header of an answer without being quoted. */
const PLAIN = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** The id a caller gave its call, unless it is one that could mislead whoever reads the log. */
export const callersRequestId = (given?: string): string | undefined =>
  given !== undefined && PLAIN.test(given) ? given : undefined;
