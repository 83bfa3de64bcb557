import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SandboxClient } from '../../../src/payments/providers/sandbox.client.js';
import { startSandbox } from '../../../src/payments/providers/sandbox/server.js';
import { Item, Order, OrderLine } from '../entities.js';
import { queue, SETTINGS, typeorm } from '../settings.js';
import { startNest } from '../start-nest.js';
import { InboxRow, Notification, OutboxRow, Payment } from './entities.js';
import { OrdersController } from './orders.controller.js';
import { clientOf, Outbox, QUEUES } from './outbox.js';
import { StoryController } from './story.controller.js';

// S3: what a careful team builds with the same parts: outbox and inbox by TypeORM, three hops (payment, stock, order),
// the provider called from the handlers. The provider is the product's own sandbox, in this process as in the product.

const provider = await startSandbox({ databaseUrl: SETTINGS.databaseUrl, warn: console.error });
process.once('SIGTERM', () => void provider.close());

@Module({
  imports: [
    TypeOrmModule.forRoot(typeorm([Order, OrderLine, Item, OutboxRow, InboxRow, Payment, Notification])),
    ClientsModule.register(
      QUEUES.map((name) => ({
        name: clientOf(name),
        transport: Transport.RMQ as const,
        options: { ...queue(name), persistent: true },
      })),
    ),
  ],
  controllers: [OrdersController, StoryController],
  providers: [Outbox, { provide: SandboxClient, useFactory: () => new SandboxClient(provider.url) }],
})
class AppModule {}

await startNest(AppModule, [...QUEUES]);
if (SETTINGS.prepare) await provider.close();
