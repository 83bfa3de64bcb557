import { accessStorage } from '../../src/access/access.storage.js';
import { STORAGES } from '../../src/app.module.js';
import { dataSourceFor, opened } from '../../src/database/data-sources.js';

/** Brings the template database to the product's newest schema; every test database is a copy of it. */
export async function migrateTemplate(url: string): Promise<void> {
  const storages = [accessStorage, ...Object.values(STORAGES)];
  const source = await opened(dataSourceFor(url, storages), storages);
  await source.destroy();
}
