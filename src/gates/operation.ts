import type { Scope } from '../access/principal.js';
import { travelsAs } from '../messaging/receives.js';

/** What every gate must know of an operation. The class that carries it is REST body, gRPC request and AMQP payload. */
export interface OperationTraits {
  /** Routing key and idempotency scope, e.g. `orders.place`. */
  name: string;
  scope: Scope;
  /** A query changes nothing: no idempotency key, no transaction of its own. */
  kind: 'command' | 'query';
  /** Answers with a stream: over HTTP its credential may stand in the query, and it begins after `Last-Event-ID`. */
  streams?: boolean;
  /**
   * Whether the input has a `customerId`. A customer's own token fills it in and may name nobody else; every other caller
   * may leave it out only where it `narrows`.
   */
  customerId?: 'needed' | 'narrows';
  /** The codes of the refusals that only this operation knows; documents and the parity matrix are made of them. */
  refuses?: readonly string[];
}

export type OperationClass<C extends object = object> = new () => C;

const traits = new Map<OperationClass, OperationTraits>();

/** Makes a class the input of one operation on all three gates. */
export const Operation =
  (of: OperationTraits): ClassDecorator =>
  (target) => {
    travelsAs(of.name, target);
    traits.set(target as unknown as OperationClass, of);
  };

/** The traits of an operation class; throws for a class that is none, because that is a mistake in our wiring. */
export function operationOf(type: OperationClass): OperationTraits {
  const found = traits.get(type);
  if (!found) throw new Error(`${type.name} carries no @Operation`);
  return found;
}

/** Every operation class known to this process. */
export const operations = (): ReadonlyMap<OperationClass, OperationTraits> => traits;
