import { randomBytes } from 'node:crypto';
import { type ModuleName, MODULES } from '../../src/config/settings.js';
import { rig } from './fixtures.js';
import { seenFrom } from './one-view.js';
import { freePort } from './ports.js';
import { createDatabase, dropDatabase } from './postgres.js';

/** The modules of one process, and the name of the database they have, if not the common one. */
export interface Group {
  modules: ModuleName[];
  database?: string;
}

/** A process of a placement: its modules, where it speaks gRPC, and what it is told of the others. */
export interface Place extends Group {
  grpcPort: number;
  environment: Record<string, string>;
}

/** `orders,notifications|payments,inventory`; `@a` behind a group = in a database of that name; `*2` at the end = two of each. */
export function groupsOf(placement: string): Group[] {
  const [groups, replicas = '1'] = placement.split('*') as [string, string?];
  const placed = groups.split('|').map((group): Group => {
    const [names, database] = group.split('@') as [string, string?];
    return { modules: names.split(',') as ModuleName[], database };
  });
  const all = placed.flatMap(({ modules }) => modules).sort();
  if (String(all) !== String([...MODULES].sort())) throw new Error(`no placement of every module once: ${placement}`);
  return Array.from({ length: Number(replicas) }, () => placed).flat();
}

/** How a house is spread over processes and databases. */
export class Placement {
  private constructor(
    readonly places: Place[],
    private readonly databases: ReadonlyMap<string, string>,
  ) {}

  /** Gives every process its port; makes the databases of its own that it names, empty: the product fills them. */
  static async of(placement: string, commonUrl: string): Promise<Placement> {
    const groups = await Promise.all(
      groupsOf(placement).map(async (group) => ({ ...group, grpcPort: await freePort() })),
    );
    const databases = new Map<string, string>();
    for (const name of new Set(groups.flatMap(({ database }) => database ?? [])))
      databases.set(name, await createDatabase(rig().postgres, `t_${name}_${randomBytes(6).toString('hex')}`));
    const quoting = groups.filter(({ modules }) => modules.includes('inventory'));
    const addresses = quoting.map(({ grpcPort }) => `127.0.0.1:${grpcPort}`).join(',');
    const parts = {
      DATABASE_POOL_SIZE: '10', // eight processes at 300 connections
      INVENTORY_GRPC_URL: `ipv4:${addresses}`,
    };
    const places = groups.map((group) => ({
      ...group,
      environment: {
        GRPC_PORT: String(group.grpcPort),
        ...(group.modules.length < MODULES.length && { ...parts, MODULES: group.modules.join(',') }),
        ...databaseSettings(group, databases, commonUrl),
      },
    }));
    return new Placement(places, databases);
  }

  /** Makes the common database show the schemas that stand in others, so that all can be looked at in one place. */
  async showAllIn(commonUrl: string): Promise<void> {
    for (const { modules, database } of this.distinct())
      if (database) await seenFrom(commonUrl, this.databases.get(database)!, [...modules, 'sandbox']);
  }

  /** The schemas of each database of its own, as the product made them. */
  urls(): Map<string, { url: string; modules: ModuleName[] }> {
    const found = new Map<string, { url: string; modules: ModuleName[] }>();
    for (const { modules, database } of this.distinct()) {
      if (!database) continue;
      const known = found.get(database)?.modules ?? [];
      found.set(database, { url: this.databases.get(database)!, modules: [...known, ...modules] });
    }
    return found;
  }

  /** Drops the databases that it made. */
  async dropDatabases(): Promise<void> {
    for (const url of this.databases.values()) await dropDatabase(rig().postgres, new URL(url).pathname.slice(1));
  }

  /** One of each replica. */
  private distinct(): Group[] {
    return [...new Map(this.places.map((place) => [String(place.modules), place])).values()];
  }
}

/** A group with a database of its own is told of no other. */
function databaseSettings(
  { modules, database }: Group,
  databases: ReadonlyMap<string, string>,
  commonUrl: string,
): Record<string, string> {
  if (!database) return { DATABASE_URL: commonUrl };
  const own = modules.map((module) => [`${module.toUpperCase()}_DATABASE_URL`, databases.get(database)!]);
  return Object.fromEntries(own) as Record<string, string>;
}
