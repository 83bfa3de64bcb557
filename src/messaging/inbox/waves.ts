import { Failure } from '../../failure.js';
import type { Handle, Handlers } from '../handlers.js';
import type { Message } from '../message.js';
import type { Reception } from '../receives.js';
import { Attempt } from '../spans.js';

/** Cuts a set into waves: in order, and at most one message of a key in each. */
export function waves<M extends Message>(messages: M[]): M[][] {
  const cut: M[][] = [];
  const depth = new Map<string, number>();
  for (const message of messages) {
    const wave = depth.get(message.key) ?? 0;
    (cut[wave] ??= []).push(message);
    depth.set(message.key, wave + 1);
  }
  return cut;
}

/** Runs one wave through its handlers; types of one method go as one set. Answers the messages that were refused. */
export async function runWave<M extends Message>(
  handlers: Handlers,
  module: string,
  wave: M[],
  reception: Reception,
): Promise<{ message: M; failure: Failure }[]> {
  const refused: { message: M; failure: Failure }[] = [];
  const groups = new Map<Handle, M[]>();
  const unknown: Handle = (set) => Promise.resolve(set.map(({ type }) => unknownType(module, type)));
  for (const message of wave) {
    const handle = handlers.of(module, message.type) ?? unknown;
    if (groups.has(handle)) groups.get(handle)!.push(message);
    else groups.set(handle, [message]);
  }
  for (const [handle, set] of groups) {
    const attempt = handlers.tell && new Attempt(set, module, handlers.tell);
    const outcomes = (await handle(attempt?.set ?? set, reception)) ?? [];
    set.forEach((message, i) => {
      const outcome = outcomes[i];
      if (outcome instanceof Failure) refused.push({ message, failure: outcome });
    });
    attempt?.ended(reception.tx, outcomes.map(codeOf));
  }
  return refused;
}

const codeOf = (outcome: unknown): string | undefined => (outcome instanceof Failure ? outcome.code : undefined);

const unknownType = (module: string, type: string): Failure =>
  new Failure('invalid', 'unknown-type', `${module} does not know messages of the type ${type}.`);
