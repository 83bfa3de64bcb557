import { Failure, invalid } from '../failure.js';
import type { OperationClass } from '../gates/operation.js';
import { validated } from '../gates/validate.js';
import { type MessageClass, messageClasses, type MessageTraits } from '../messaging/contract.js';
import { notRepairable } from './ops.failures.js';
import { nameOf, type StoredMessage } from './stored-message.js';

/** The body of a command from outside, as its class lets it pass; throws `invalid`, naming the fields. */
export const payloadOfCommand = (operation: OperationClass, payload: unknown): string =>
  JSON.stringify(judged(operation, payload));

/** The body of a message between modules: by the rules of its class, and with the key it already has. */
export function payloadOfMessage(row: StoredMessage, payload: object): string {
  const [type, { key }] = classOf(row);
  const body = judged(type, payload) as Record<string, unknown>;
  // Under another key it would stand in the wrong place of the wrong queue.
  if (body[key] !== row.key)
    throw invalid([{ field: `payload.${key}`, message: `must stay ${row.key}, which the message is ordered by` }]);
  return JSON.stringify(body);
}

function classOf(row: StoredMessage): [MessageClass, MessageTraits] {
  const found = [...messageClasses()].find(([, traits]) => traits.type === row.type);
  if (!found) throw notRepairable(nameOf(row), `nobody here knows messages of the type ${row.type}`);
  return found;
}

function judged(type: new () => object, payload: unknown): object {
  try {
    return validated(type, payload);
  } catch (error) {
    if (!(error instanceof Failure) || !error.details.fields) throw error;
    throw invalid(error.details.fields.map(({ field, message }) => ({ field: `payload.${field}`, message })));
  }
}
