import { moduleOf } from '../../messaging/contract.js';
import type { SortedKeys } from '../../messaging/broker/topology.js';
import { type OperationClass, operations, type OperationTraits } from '../operation.js';

/** The repair desk stands in every process: its keys say at which module's, `ops.orders.list-messages`. */
export const DESK = 'ops';

/** The name of the operation that a routing key asks a module for; undefined when the key is another module's. */
export function nameOfKey(module: string, routingKey: string): string | undefined {
  const desk = `${DESK}.${module}.`;
  if (routingKey.startsWith(desk)) return `${DESK}.${routingKey.slice(desk.length)}`;
  return moduleOf(routingKey) === module ? routingKey : undefined;
}

/** The operation of this name. */
export function operationCalled(name: string): OperationClass | undefined {
  for (const [type, traits] of operations()) if (traits.name === name) return type;
  return undefined;
}

/** The routing keys of one module that have queues of their own: its reads, and the acts at its repair desk. */
export function sortedKeys(module: string): SortedKeys {
  const keys = (which: (traits: OperationTraits) => boolean): string[] =>
    [...operations().values()].filter(which).flatMap(({ name }) => routingKeyAt(module, name) ?? []);
  return {
    queries: keys(({ kind }) => kind === 'query'),
    desk: keys(({ kind, name }) => kind === 'command' && moduleOf(name) === DESK),
  };
}

/** The routing key under which a module is asked for an operation; undefined when it is another module's. */
export function routingKeyAt(module: string, name: string): string | undefined {
  if (moduleOf(name) === module) return name;
  return moduleOf(name) === DESK ? `${DESK}.${module}.${name.slice(DESK.length + 1)}` : undefined;
}
