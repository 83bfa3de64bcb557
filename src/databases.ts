import { join, resolve } from 'node:path';
import { accessStorage } from './access/access.storage.js';
import { STORAGES } from './app.module.js';
import { databaseUrlOf, type ModuleName, type Settings } from './config/settings.js';
import type { Storage } from './database/data-sources.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded/embedded-postgres.js';

/** Every storage of this version, whichever modules run here: a database may hold the others' too. */
export const ALL_STORAGES: Storage[] = [accessStorage, ...Object.values(STORAGES)];

/** One database of this process: where it is, which of our modules live in it, and what they store there. */
export interface Place {
  url: string;
  modules: ModuleName[];
  storages: Storage[];
}

/** How `/readyz` and the numbers name a database: several are told apart by the modules that live there. */
export const nameOf = ({ modules }: Place, all: Place[]): string =>
  all.length > 1 ? `database of ${modules.join(', ')}` : 'database';

/** The distinct databases of this process; `common` is that of modules that were given none. */
export function placesOf(settings: Settings, common?: string): Place[] {
  const byUrl = new Map<string, ModuleName[]>();
  for (const module of settings.MODULES) {
    const url = databaseUrlOf(settings, module) ?? common!;
    byUrl.set(url, [...(byUrl.get(url) ?? []), module]);
  }
  return [...byUrl].map(([url, modules]) => {
    return { url, modules, storages: [accessStorage, ...modules.map((module) => STORAGES[module])] };
  });
}

/** The embedded server, started or found running, when some module of this process has no database of its own. */
export async function commonDatabase(settings: Settings): Promise<EmbeddedPostgres | undefined> {
  if (settings.MODULES.every((module) => databaseUrlOf(settings, module))) return undefined;
  return startEmbeddedPostgres({ directory: join(resolve(settings.DATA_DIR), 'postgres'), owner: settings.owner });
}
