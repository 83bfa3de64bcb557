import type { ChannelModel } from 'amqplib';
import { Differs, exchangeStands, queueStands } from './declaration.js';
import { EXCHANGES, type QueueDeclaration, queuesOf } from './topology.js';

/** How the broker is compared with what we declare there. Bindings cannot be read over AMQP. */
export interface Inspection {
  /** As the broker tells it, e.g. `4.1.3`. */
  version: string;
  /** Queues and exchanges that are there and ours. */
  standing: number;
  /** Those that are declared at the next start. */
  missing: string[];
  /** A sentence for each that is there and not ours, the same as at a start. */
  differing: string[];
}

/** Looks at all that these modules declare, and changes nothing. */
export async function inspect(connection: ChannelModel, modules: readonly string[]): Promise<Inspection> {
  const { version = 'unknown' } = connection.connection.serverProperties as { version?: string };
  const found: Inspection = { version, standing: 0, missing: [], differing: [] };
  for (const [name, stands] of looks(connection, modules)) {
    try {
      if (await stands()) found.standing++;
      else found.missing.push(name);
    } catch (error) {
      if (!(error instanceof Differs)) throw error;
      found.differing.push(error.message);
    }
  }
  return found;
}

function looks(connection: ChannelModel, modules: readonly string[]): [string, () => Promise<boolean>][] {
  const queues: QueueDeclaration[] = modules.flatMap((module) => queuesOf(module, [], { queries: [], desk: [] }));
  const exchanges = [
    ...Object.values(EXCHANGES).map((name) => ({ name, type: 'topic' as const })),
    ...new Map(queues.flatMap((queue) => queue.exchanges ?? []).map((one) => [one.name, one])).values(),
  ];
  return [
    ...exchanges.map((one) => [one.name, () => exchangeStands(connection, one)] as [string, () => Promise<boolean>]),
    ...queues.map((one) => [one.name, () => queueStands(connection, one)] as [string, () => Promise<boolean>]),
  ];
}
