import { travelsAs } from './receives.js';

/** A message class of this house: its type on the wire and what it is ordered by. */
export interface MessageTraits {
  kind: 'command' | 'event';
  /** `payments.authorise` or `payments.payment-authorised.v1`: for ever, a break is a new name. */
  type: string;
  /** The field that messages of one order, item or payment share; they are kept in order by it. */
  key: string;
  /** Never parked for a surprise: what undoes money or goods is tried for ever, with an alarm. */
  untiring: boolean;
  /** Events only: some module of this house hears it. */
  heard: boolean;
  /** Events only: the world's copy goes to `sanmon.events`. */
  published: boolean;
}

// Registries hold classes of every shape; whoever names one gets its own, and `object` would not be assignable to it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type MessageClass<B extends object = any> = new () => B;

const traits = new Map<MessageClass, MessageTraits>();

/** A command from one module of this house to another; the first word of the type names who obeys. */
export const Command =
  (type: string, { key = 'orderId', untiring = false } = {}): ClassDecorator =>
  (target) => {
    travelsAs(type, target);
    traits.set(target as never, { kind: 'command', type, key, untiring, heard: true, published: false });
  };

/** Something that happened. */
export const Event =
  (type: string, { key = 'orderId', heard = false, published = true } = {}): ClassDecorator =>
  (target) => {
    travelsAs(type, target);
    traits.set(target as never, { kind: 'event', type, key, untiring: false, heard, published });
  };

export function messageOf(type: MessageClass): MessageTraits {
  const found = traits.get(type);
  if (!found) throw new Error(`${type.name} is neither a @Command nor an @Event`);
  return found;
}

/** Every message class known to this process. */
export const messageClasses = (): ReadonlyMap<MessageClass, MessageTraits> => traits;

/** The module a type belongs to: its first word. */
export const moduleOf = (type: string): string => type.slice(0, type.indexOf('.'));

/** Whether some module of this house hears events of this type. */
export function isHeard(type: string): boolean {
  for (const one of traits.values()) if (one.type === type) return one.heard;
  return false;
}

/** The types of messages that are tried for ever. */
export const untiringTypes = (): string[] => [...traits.values()].filter((t) => t.untiring).map((t) => t.type);

/** Whether messages of this type are tried for ever. */
export const isUntiring = (type: string): boolean => untiringTypes().includes(type);
