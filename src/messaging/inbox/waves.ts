import { Failure } from '../../failure.js';
import type { Handle, Handlers } from '../handlers.js';
import type { Message } from '../message.js';
import type { Reception } from '../receives.js';
import { handledWithin } from '../spans.js';

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
  for (const message of wave) {
    const handle = handlers.of(module, message.type);
    if (!handle) refused.push({ message, failure: unknownType(module, message.type) });
    else if (groups.has(handle)) groups.get(handle)!.push(message);
    else groups.set(handle, [message]);
  }
  for (const [handle, set] of groups) {
    const outcomes = (await handle(handledWithin(set, module, reception.tx, handlers.tell), reception)) ?? [];
    set.forEach((message, i) => {
      const outcome = outcomes[i];
      if (outcome instanceof Failure) refused.push({ message, failure: outcome });
    });
  }
  return refused;
}

const unknownType = (module: string, type: string): Failure =>
  new Failure('invalid', 'unknown-type', `${module} does not know messages of the type ${type}.`);
