import { constants } from 'node:os';

type Signal = 'SIGTERM' | 'SIGINT';

let act: ((signal: Signal) => void) | undefined;

/**
 * What SIGTERM and SIGINT do from now on. Said before anything is waited for: as process 1 of a container, a process that
 * handles a signal nowhere does not end by it, and a start that waits for its database would stand there until SIGKILL.
 */
export function onSignals(next: (signal: Signal) => void): void {
  if (!act) for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => act!(signal));
  act = next;
}

/** For as long as nothing is open that would have to be closed: ends with 128 and the number of the signal, as shells count. */
export const endAtOnce = (signal: Signal): never => process.exit(128 + constants.signals[signal]);
