import type { Failure } from '../../failure.js';

/** What a message came to that could not be handled now. */
export interface Verdict {
  state: 'retry' | 'parked';
  /** Seconds until it is tried again. */
  after: number;
  code: string;
  reason: string;
  /** Whether this try is one of the six: waiting for a dependency is not held against a message. */
  counts: boolean;
}

/** Retried after 1, 2, 5, 10, 30 s, then every 30 s. */
const RETRY_SECONDS = [1, 2, 5, 10, 30];
const LAST_ATTEMPT = 6;

/** Whether a message has had all its attempts. */
export const isSpent = (attempts: number): boolean => attempts >= LAST_ATTEMPT;

/** The verdict on a message none of whose attempts came to an end. */
export const LEFT_UNENDED: Verdict = {
  state: 'parked',
  after: 0,
  code: 'process-ended',
  reason: 'None of its attempts came to an end: each time the process was gone.',
  counts: false,
};

/** A dependency that is away is looked at this often. */
const PROBE_SECONDS = 5;

/** How an error is dealt with: what may pass waits for ever, a refusal is parked at once, a surprise after six attempts. */
export function judge(error: unknown, attempts: number, failure?: Failure, untiring = false): Verdict {
  const reason = (error as Error).message ?? String(error);
  if (failure && (failure.kind === 'unavailable' || failure.kind === 'exhausted'))
    return { state: 'retry', after: PROBE_SECONDS, code: failure.code, reason, counts: false };
  if (failure) return { state: 'parked', after: 0, code: failure.code, reason, counts: true };
  const tried = attempts + 1;
  if (tried >= LAST_ATTEMPT && !untiring) return { state: 'parked', after: 0, code: 'internal', reason, counts: true };
  return { state: 'retry', after: RETRY_SECONDS[tried - 1] ?? 30, code: 'internal', reason, counts: true };
}

/** Of every attempt's error the first ones are kept, which say how it began, and the last ones; `attempts` counts all. */
const FIRST = 3;
const LAST = 20;

/** The column `errors` as SQL with one more, `reason` being a parameter of type text. */
export const oneMoreError = (reason: string): string =>
  `(CASE WHEN jsonb_array_length(errors) < ${FIRST + LAST} THEN errors ELSE errors - ${FIRST} END) || ${firstError(reason)}`;

/** The column `errors` as SQL with the first one. */
export const firstError = (reason: string): string =>
  `jsonb_build_array(jsonb_build_object('at', now(), 'error', ${reason}))`;
