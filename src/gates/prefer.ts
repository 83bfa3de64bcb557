/** docs/contract.md: longer than this nobody is kept waiting. */
const WAIT_AT_MOST = 30;

/**
 * The seconds of `wait` in a `Prefer` header (RFC 7240, 4.3), at most 30; the first of several counts. What is no number is
 * no preference, as the RFC wants it: a preference is never an error.
 */
export function preferredWait(prefer?: string): number | undefined {
  for (const preference of prefer?.split(',') ?? []) {
    const [, seconds] = /^\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;.*)?$/i.exec(preference)?.filter(Boolean) ?? [];
    if (seconds !== undefined) return Math.min(Number(seconds), WAIT_AT_MOST);
  }
  return undefined;
}
