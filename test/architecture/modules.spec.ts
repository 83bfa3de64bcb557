import { ModulesContainer } from '@nestjs/core';
import { STORAGES } from '../../src/app.module.js';
import type { ModuleName } from '../../src/config/settings.js';
import { dataSourceFor } from '../../src/database/data-sources.js';
import { useDatabase } from '../support/fixtures.js';
import { aLoneModule } from '../support/lone-module.js';

const MODULES = Object.keys(STORAGES) as ModuleName[];
const database = useDatabase();
const classNameOf = (module: ModuleName): string => `${module[0]!.toUpperCase()}${module.slice(1)}Module`;

describe.each(MODULES)('the module %s', (module) => {
  it('boots alone: with its own schema and none of the other modules', async () => {
    const lone = await aLoneModule(module, database.url);
    try {
      const names = [...lone.app.get(ModulesContainer).values()].map(({ metatype }) => metatype.name);
      expect(names.filter((name) => MODULES.map(classNameOf).includes(name))).toEqual([classNameOf(module)]);
      expect(lone.traffic.all().map((t) => t.module)).toEqual([module]);
    } finally {
      await lone.close();
    }
  });

  it('has entities that say of its tables what the migrations made of them', async () => {
    const source = await dataSourceFor(database.url, [STORAGES[module]]).initialize();
    try {
      const { upQueries } = await source.driver.createSchemaBuilder().log();
      // Checks, indexes and names of constraints stand in the migrations only; columns stand in both.
      const ofColumns = upQueries
        .map(({ query }) => query)
        .filter((query) => !/ (DROP|ADD) CONSTRAINT |^(DROP|CREATE) INDEX /.test(query));
      expect(ofColumns).toEqual([]);
      expect(source.entityMetadatas.map(({ schema }) => schema)).toContain(module);
    } finally {
      await source.destroy();
    }
  });
});
