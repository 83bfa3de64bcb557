import { Failure, invalid } from '../failure.js';

export const messageNotFound = (id: string, modules: string[]): Failure =>
  new Failure('not-found', 'message-not-found', `There is no message ${id} in the modules of this process.`, {
    modules,
  });

export const operationNotFound = (id: string): Failure =>
  new Failure('not-found', 'operation-not-found', `There is no release of messages ${id} in this process.`);

export const severalModules = (id: string, modules: string[]): Failure =>
  new Failure('conflict', 'several-modules', `Several modules hold ${id}: name one of them.`, { modules });

export const inRepair = (id: string): Failure =>
  new Failure('precondition', 'message-in-repair', `Somebody else repairs ${id} at this moment; look at it again.`);

export const alreadyAnswered = (id: string): Failure =>
  new Failure('conflict', 'already-answered', `${id} had its answer, which was no. Send a new command instead.`);

export const mayNot = (id: string, scope: string): Failure =>
  new Failure('forbidden', 'missing-scope', `${id} was not allowed to its sender; to let it pass needs ${scope}.`, {
    scope,
  });

export const notFailed = (id: string): Failure =>
  new Failure('conflict', 'not-failed', `${id} has not failed: it waits behind another message of its key.`);

export const needsReplacement = (id: string, why: string): Failure =>
  new Failure('conflict', 'needs-replacement', `${id} cannot be released as it is: ${why}. Use replacement.`);

export const notRepairable = (id: string, why: string): Failure =>
  new Failure('conflict', 'not-repairable', `${id} can only be discarded: ${why}.`);

export const tooOldToRelease = (id: string): Failure =>
  new Failure(
    'conflict',
    'too-old-to-release',
    `${id} was parked too long ago: nobody may remember whether a copy of it was done. Look, then send a new command instead.`,
  );

export const laneBusy = (): Failure =>
  new Failure('unavailable', 'message-busy', 'The message is being worked on; ask again.', { retryAfter: 1 });

export const invalidPage = (): Failure =>
  invalid(
    [{ field: 'pageToken', message: 'is not a token of this list; begin again without one' }],
    'invalid-page-token',
  );

/** The codes with which every act on one message may be refused. */
export const REPAIR_REFUSALS = [
  ...['message-not-found', 'message-busy', 'message-in-repair', 'already-answered', 'several-modules', 'elsewhere'],
] as const;

/** The same for those that have it tried again. */
export const RESTART_REFUSALS = [...REPAIR_REFUSALS, 'not-failed', 'not-repairable', 'too-old-to-release'] as const;
