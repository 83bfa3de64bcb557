/** The pairs of a query string in their order; undefined when its percent-encoding is no UTF-8. */
export function queryPairs(url: string): [name: string, value: string][] | undefined {
  const start = url.indexOf('?') + 1;
  if (start === 0) return [];
  try {
    // Not Express' `request.query`: it guesses at broken encodings and drops everything after the 1,000th pair.
    const pairs = url.slice(start).split('&').filter(Boolean);
    return pairs.map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [decoded(pair), ''] : [decoded(pair.slice(0, equals)), decoded(pair.slice(equals + 1))];
    });
  } catch {
    return undefined;
  }
}

const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
