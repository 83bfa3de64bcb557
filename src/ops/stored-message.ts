import { Undecodable } from '../gates/admit.js';
import type { StoredHeaders } from '../gates/amqp/command-run.js';
import { parsedJson } from '../gates/json.js';
import { newId } from '../id.js';
import { NO_LANE } from '../messaging/tables.js';
import type { Message, MessageState } from './index.js';

/** A row of an inbox. What was too large for a list is null. */
export interface StoredMessage extends Record<string, unknown> {
  lane: number;
  seq: string;
  id: string;
  type: string;
  key: string | null;
  state: 'ready' | 'waiting' | 'retry' | 'parked' | 'refused';
  attempts: number;
  due: Date | null;
  /** Claimed by the loop of waiting commands, which leases for longer than any retry waits. */
  leased: boolean;
  /** Parked for longer than what was done under its key is surely remembered. */
  outdated: boolean;
  code: string | null;
  reason: string | null;
  errors: { at: string; error: string }[];
  principal: string | null;
  headers: string | null;
  body: string | null;
  raw: Buffer | null;
  at: Date;
}

const STATES: Record<StoredMessage['state'], MessageState> = {
  ready: 'WAITING',
  waiting: 'WAITING',
  retry: 'RETRYING',
  parked: 'PARKED',
  refused: 'REFUSED',
};

/** The states of the table that an operator's word means. */
export const storedStates = (state?: MessageState): string[] =>
  Object.entries(STATES).flatMap(([stored, shown]) => (state === undefined || shown === state ? [stored] : []));

/** Whether it came from outside: such a message stands in no lane and holds nothing back. */
export const isStranger = ({ lane }: StoredMessage): boolean => lane === NO_LANE;

export const nameOf = ({ id }: StoredMessage): string => newId('msg', id);

/** A row as the contract shows it. */
export function toMessage(module: string, row: StoredMessage): Message {
  return {
    id: nameOf(row),
    module,
    type: row.type,
    ...(row.key !== null && { key: row.key }),
    state: STATES[row.state],
    attempts: row.attempts,
    ...whyOf(row),
    firstAt: row.at.toISOString(),
    ...(row.state === 'retry' && row.due && { nextAt: row.due.toISOString() }),
    ...bodyOf(row),
    headers: headersOf(row),
    ...(row.principal !== null && { principal: row.principal }),
    errors: row.errors.map(({ at, error }) => ({ at: new Date(at).toISOString(), error })),
  };
}

/** One that never failed has no reason of its own. */
function whyOf({ state, code, reason }: StoredMessage): Pick<Message, 'code' | 'reason'> {
  if (state === 'waiting') return { code: 'waits-for-its-key', reason: 'Waits behind a message of its key.' };
  if (state === 'ready') return { code: 'ready', reason: 'Is about to be handled.' };
  return { code: code ?? '', reason: reason ?? '' };
}

/** A command that was admitted once has its body and, if it was refused at first, what came as well. */
function bodyOf({ body, raw }: StoredMessage): Pick<Message, 'payload' | 'rawBase64'> {
  const bytes = raw ?? (body === null ? null : Buffer.from(body));
  if (bytes === null) return {};
  const payload = objectIn(body === null ? parsedJson(bytes) : (JSON.parse(body) as unknown));
  return { ...(payload && { payload }), ...((raw || !payload) && { rawBase64: bytes.toString('base64') }) };
}

const objectIn = (value: unknown): object | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Undecodable)
    ? value
    : undefined;

/** Where a waiting command's headers stand among other things that are stored with it, only the headers are shown. */
export function headersOf(row: StoredMessage): Record<string, unknown> {
  const stored = JSON.parse(row.headers ?? '{}') as Record<string, unknown>;
  return isStranger(row) && row.body !== null ? ((stored as unknown as StoredHeaders).headers ?? {}) : stored;
}
