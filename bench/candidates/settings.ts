import type { Type } from '@nestjs/common';
import type { TypeOrmModuleOptions } from '@nestjs/typeorm';

/** What every candidate is told by its environment, under the names that the product has for it. */
export const SETTINGS = {
  port: Number(process.env['PORT']),
  databaseUrl: process.env['DATABASE_URL']!,
  brokerUrl: process.env['RABBITMQ_URL']!,
  /** Make tables and items and end. */
  prepare: process.argv.includes('--prepare'),
};

/** PostgreSQL by TypeORM as its documents show it; tables are made by the preparing start and never looked at again. */
export const typeorm = (entities: Type[]): TypeOrmModuleOptions => ({
  type: 'postgres',
  url: SETTINGS.databaseUrl,
  uuidExtension: 'pgcrypto',
  installExtensions: false,
  synchronize: SETTINGS.prepare,
  entities,
  poolSize: 20,
});

/** A durable quorum queue. */
export const queue = (name: string) => ({
  urls: [SETTINGS.brokerUrl],
  queue: name,
  queueOptions: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
});
