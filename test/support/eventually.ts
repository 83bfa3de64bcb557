import { setTimeout as sleep } from 'node:timers/promises';

/** How long to go on and how often to look, in milliseconds. */
export interface Patience {
  within?: number;
  every?: number;
}

/** A sleep that lasts so much longer was a stall of this process, in which nothing that is waited for could happen. */
const STALL_MS = 100;
/** What the last look may take, for it is made when the time is up. */
const LAST_LOOK_MS = 1_000;

/**
 * Tries the assertion until it stops throwing, and returns its value.
 * After `within` milliseconds, stalls not counted, it looks a last time and throws the last error, with the time waited in
 * front of its message; an assertion that never settles counts as one that throws.
 */
export async function eventually<T>(
  assertion: () => Promise<T> | T,
  { within = 10_000, every = 25 }: Patience = {},
): Promise<T> {
  const began = performance.now();
  let until = began + within;
  const remaining = () => until - performance.now();
  let attempts = 0;
  let last: unknown = new Error('The assertion has neither returned nor thrown.');
  for (let isLast = false; ; isLast = remaining() <= 0) {
    attempts++;
    try {
      return await inTime(assertion, Math.max(remaining(), LAST_LOOK_MS), last);
    } catch (error) {
      last = error;
    }
    if (isLast) break;
    const pause = Math.max(0, Math.min(every, remaining()));
    const asleep = performance.now();
    await sleep(pause);
    const stall = performance.now() - asleep - pause;
    if (stall > STALL_MS) until += stall;
  }
  throw told(last, `Still failing after ${Math.round(performance.now() - began)} ms (${attempts} attempts): `);
}

async function inTime<T>(assertion: () => Promise<T> | T, milliseconds: number, last: unknown): Promise<T> {
  let alarm: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what the last attempt threw
    alarm = setTimeout(() => reject(last), milliseconds);
  });
  try {
    return await Promise.race([assertion(), late]);
  } finally {
    clearTimeout(alarm);
  }
}

// Jest prints the stack, whose first lines are the message as it was when the error was made: both are told.
function told(error: unknown, prefix: string): Error {
  if (!(error instanceof Error)) return new Error(prefix + String(error));
  const stack = error.stack ?? '';
  const { message } = error;
  error.message = prefix + message;
  error.stack = stack.includes(message) ? stack.replace(message, () => error.message) : `${error.message}\n${stack}`;
  return error;
}
