import type { Principal } from '../access/principal.js';
import { Failure } from '../failure.js';
import { Undecodable } from '../gates/admit.js';
import type { StoredHeaders } from '../gates/amqp/command-run.js';
import { allowedReplyTo, readBody } from '../gates/amqp/letter.js';
import { operationCalled } from '../gates/amqp/routing.js';
import { idempotencyKey } from '../gates/idempotency-key.js';
import { operationOf, type OperationClass } from '../gates/operation.js';
import { TALLY } from '../messaging/inbox/allowance.js';
import {
  alreadyAnswered,
  inRepair,
  mayNot,
  needsReplacement,
  notFailed,
  notRepairable,
  tooOldToRelease,
} from './ops.failures.js';
import { payloadOfCommand, payloadOfMessage } from './payload.js';
import { headersOf, isStranger, nameOf, type StoredMessage } from './stored-message.js';
import type { Restart } from './stored-messages.js';

/** Who repairs. A release of many messages keeps it, and judges by what he could do when he asked. */
export type Repairer = Pick<Principal, 'name' | 'scopes'>;

/** How a message goes on as it is; throws the Failure that forbids it. */
export function released(row: StoredMessage, by: Repairer): Restart {
  assertFailed(row);
  if (!isStranger(row) || row.body !== null) return { row };
  const operation = operationOfStranger(row, by);
  const headers = headersOf(row);
  if ('sanmon-length' in headers) throw needsReplacement(nameOf(row), 'only the beginning of its body was kept');
  const input = readBody(operation, row.raw!, headers['contentType'] as string | undefined);
  if (input instanceof Undecodable)
    throw needsReplacement(nameOf(row), `its ${input.field} ${input.why || 'is not understood'}`);
  return admitted(
    row,
    operation,
    stillWrong(row, () => payloadOfCommand(operation, input)),
  );
}

/** How a message goes on with another payload; throws the Failure that forbids it. */
export function replaced(row: StoredMessage, payload: object, by: Repairer): Restart {
  assertFailed(row);
  if (!isStranger(row)) return { row, body: payloadOfMessage(row, payload) };
  const operation = operationOfStranger(row, by);
  const body = payloadOfCommand(operation, payload);
  return row.body === null ? admitted(row, operation, body) : { row, body };
}

/** Only what failed is repaired: what was refused had its answer, and what waits has nothing to be repaired. */
function assertFailed(row: StoredMessage): void {
  if (row.state === 'refused') throw alreadyAnswered(nameOf(row));
  if (row.state === 'waiting') throw notFailed(nameOf(row));
  if (row.leased) throw inRepair(nameOf(row));
  if (row.outdated) throw tooOldToRelease(nameOf(row));
}

/** The refusals after which nobody knows that its sender was allowed this. */
const NEVER_ALLOWED: readonly (string | null)[] = [
  'unauthenticated',
  'token-keys-unavailable',
  'missing-scope',
  'unknown-type',
];

/**
 * The operation that a command from outside asks for. What its sender was not allowed to do, only an operator may let
 * pass who is allowed to do it himself: `ops` alone must not be a way around every other scope.
 */
function operationOfStranger(row: StoredMessage, by: Repairer): OperationClass {
  if (row.code === TALLY) throw notRepairable(nameOf(row), 'it only counts what was refused and not kept');
  const found = row.principal === 'internal' ? undefined : operationCalled(row.type);
  if (!found || operationOf(found).kind !== 'command')
    throw notRepairable(nameOf(row), `${row.type} names no command of ours, or it is not signed by us`);
  const { scope } = operationOf(found);
  if (NEVER_ALLOWED.includes(row.code) && !by.scopes.has(scope)) throw mayNot(nameOf(row), scope);
  return found;
}

/** A command that was refused at the gate, as it is stored once it is admitted. */
function admitted(row: StoredMessage, operation: OperationClass, body: string): Restart {
  const headers = headersOf(row);
  const stored: StoredHeaders = {
    headers,
    scopes: [operationOf(operation).scope],
    key: keyOf(row, headers),
    replyTo: allowedReplyTo(headers['replyTo']),
    correlationId: typeof headers['correlationId'] === 'string' ? headers['correlationId'] : undefined,
  };
  return { row, body, headers: JSON.stringify(stored) };
}

/** Its own idempotency key, so that a copy its sender got through meanwhile counts as the same; else its id. */
function keyOf(row: StoredMessage, headers: Record<string, unknown>): string {
  // Another command has that key: whoever releases this one says that it is a command of its own.
  if (row.code === 'idempotency-key-reused') return nameOf(row);
  const sent = headers['idempotency-key'] ?? headers['messageId'];
  try {
    return idempotencyKey(typeof sent === 'string' ? sent : undefined) ?? nameOf(row);
  } catch {
    return nameOf(row);
  }
}

function stillWrong(row: StoredMessage, judge: () => string): string {
  try {
    return judge();
  } catch (error) {
    throw error instanceof Failure ? needsReplacement(nameOf(row), error.message) : error;
  }
}
