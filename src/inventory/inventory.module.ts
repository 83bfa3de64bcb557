import { Module } from '@nestjs/common';
import { GatesModule } from '../gates/gates.module.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { GetItemHandler } from './get-item.js';
import { HoldsRepository } from './holds.repository.js';
import { InventoryAmqpController } from './inventory.amqp.controller.js';
import { InventoryGrpcController } from './inventory.grpc.controller.js';
import { InventoryHttpController } from './inventory.http.controller.js';
import { InventoryRepository } from './inventory.repository.js';
import { InventoryUseCases } from './inventory.use-cases.js';
import { ListItemsHandler } from './list-items.js';
import { MoveStock } from './move-stock.js';
import { PutItemHandler } from './put-item.js';
import { QuoteItems } from './quote-items.js';
import { QuotesGrpcController } from './quotes.grpc.controller.js';
import { ReceiveStockHandler } from './receive-stock.js';

/** The inventory module. Orders asks its quotes; everything else comes over the gates and by message. */
@Module({
  imports: [MessagingModule.for('inventory'), GatesModule.for('inventory')],
  controllers: [InventoryHttpController, InventoryGrpcController, QuotesGrpcController, InventoryAmqpController],
  providers: [
    InventoryRepository,
    HoldsRepository,
    InventoryUseCases,
    PutItemHandler,
    ReceiveStockHandler,
    GetItemHandler,
    ListItemsHandler,
    MoveStock,
    QuoteItems,
  ],
  exports: [QuoteItems],
})
export class InventoryModule {}
