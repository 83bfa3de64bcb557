import { type Type, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { DataSource } from 'typeorm';
import { item, ITEMS, STOCK } from '../load/orders.js';
import { Item } from './entities.js';
import { queue, SETTINGS } from './settings.js';

/** Starts a Nest application as its documents show it, listening to these queues; or prepares its database and ends. */
export async function startNest(module: Type, queues: string[]): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['warn', 'error'] });
  if (SETTINGS.prepare) {
    const rows = Array.from({ length: ITEMS }, (_, n) => ({ ...item(n), available: STOCK }));
    await app.get(DataSource).getRepository(Item).insert(rows);
    await app.close();
    return;
  }
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  for (const name of queues)
    app.connectMicroservice({
      transport: Transport.RMQ,
      options: { ...queue(name), noAck: false, prefetchCount: 100 },
    });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(SETTINGS.port, '127.0.0.1');
}
