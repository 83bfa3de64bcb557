import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Item, Order, OrderLine } from '../entities.js';
import { queue, typeorm } from '../settings.js';
import { startNest } from '../start-nest.js';
import { ORDERS, OrdersController, QUEUE } from './orders.controller.js';

// S: Nest with ClientRMQ, ServerRMQ, TypeORM repositories and ValidationPipe, as its documents show them.
// One hop; no outbox and no inbox: a crash between the commit and the confirm loses the event.

const entities = [Order, OrderLine, Item];

@Module({
  imports: [
    TypeOrmModule.forRoot(typeorm(entities)),
    TypeOrmModule.forFeature(entities),
    // `persistent` also makes the client wait for the broker's confirm.
    ClientsModule.register([
      { name: ORDERS, transport: Transport.RMQ, options: { ...queue(QUEUE), persistent: true } },
    ]),
  ],
  controllers: [OrdersController],
})
class AppModule {}

await startNest(AppModule, [QUEUE]);
