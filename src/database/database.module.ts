import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

/** Hands data sources that are already open to Nest, which closes them after everything else. */
@Module({})
export class DatabaseModule {
  static forRoot(sources: Map<string, DataSource>): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [...sources].map(([name, source]) =>
        TypeOrmModule.forRootAsync({
          name,
          useFactory: () => source.options,
          dataSourceFactory: () => Promise.resolve(source),
        }),
      ),
    };
  }
}
