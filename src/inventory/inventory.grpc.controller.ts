import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { GrpcReplies } from '../gates/grpc/replies.js';
import { Input } from '../gates/input.decorator.js';
import { GetItem } from './get-item.js';
import { InventoryUseCases } from './inventory.use-cases.js';
import { ListItems } from './list-items.js';
import { PutItem } from './put-item.js';
import { ReceiveStock } from './receive-stock.js';

/** Inventory over gRPC. */
@Controller()
@UseInterceptors(GrpcReplies)
export class InventoryGrpcController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: InventoryUseCases,
  ) {}

  @GrpcMethod('InventoryService', 'PutItem')
  put(@Input(PutItem) asked: Asked<PutItem>) {
    return this.gatherer.gather(this.on.putItem, asked);
  }

  @GrpcMethod('InventoryService', 'ReceiveStock')
  receive(@Input(ReceiveStock) asked: Asked<ReceiveStock>) {
    return this.gatherer.gather(this.on.receiveStock, asked);
  }

  @GrpcMethod('InventoryService', 'GetItem')
  get(@Input(GetItem) asked: Asked<GetItem>) {
    return this.gatherer.gather(this.on.getItem, asked);
  }

  @GrpcMethod('InventoryService', 'ListItems')
  list(@Input(ListItems) asked: Asked<ListItems>) {
    return this.gatherer.gather(this.on.listItems, asked);
  }
}
