import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

/** Hands data sources that are already open to Nest, which closes them after everything else. */
@Module({})
export class DatabaseModule {
  static forRoot(sources: DataSource[]): DynamicModule {
    return {
      module: DatabaseModule,
      imports: sources.map((source, i) =>
        TypeOrmModule.forRootAsync({
          name: `database-${i}`,
          useFactory: () => source.options,
          dataSourceFactory: () => Promise.resolve(source),
        }),
      ),
    };
  }
}
