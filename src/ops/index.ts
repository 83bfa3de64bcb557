/** Where a message of an inbox stands. */
export const MESSAGE_STATES = ['PARKED', 'WAITING', 'RETRYING', 'REFUSED'] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

/** One message of a module's inbox, as an operator sees it. Times ISO 8601 UTC. */
export class Message {
  /** `msg_…` */
  id!: string;
  module!: string;
  type!: string;
  /** What it is ordered by; the world's commands have none. */
  key?: string;
  state!: MessageState;
  /** How often it was tried since it came or was last released. */
  attempts!: number;
  reason!: string;
  code!: string;
  firstAt!: string;
  nextAt?: string;
  /** The body, if it is a JSON object. */
  payload?: object;
  /** The body, if it is anything else or was never decoded. */
  rawBase64?: string;
  headers!: object;
  /** Who sent it, when it came from outside. */
  principal?: string;
  errors!: { at: string; error: string }[];
}

/** What operators can do to messages. */
export type ActKind = 'RELEASE' | 'REPLACE' | 'DISCARD' | 'RELEASE_MANY';

/** Something an operator did: who, when, what, why. */
export class Act {
  /** `act_…` */
  id!: string;
  at!: string;
  by!: string;
  act!: ActKind;
  module!: string;
  messageId?: string;
  type?: string;
  key?: string;
  reason?: string;
  /** The release of many messages that this is, or is part of. */
  operationId?: string;
  /** The message as it was before it was replaced or discarded, up to 16 KiB. */
  original?: Message;
}

/** How far a release of many messages is. */
export class ReleaseOperation {
  /** `opn_…` */
  id!: string;
  state!: 'RUNNING' | 'DONE';
  filter!: object;
  by!: string;
  at!: string;
  doneAt?: string;
  /** How many matched when it began; what others repaired meanwhile is neither released nor failed. */
  selected!: number;
  released!: number;
  failed!: number;
}
