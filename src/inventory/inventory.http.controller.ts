import { Controller, Get, Post, Put } from '@nestjs/common';
import type { Asked } from '../gates/asked.js';
import { Gatherer } from '../gates/gatherer.js';
import { Replies } from '../gates/http/replies.js';
import { Input } from '../gates/input.decorator.js';
import { GetItem } from './get-item.js';
import type { Item } from './index.js';
import { InventoryUseCases } from './inventory.use-cases.js';
import { ListItems } from './list-items.js';
import { PutItem } from './put-item.js';
import { ReceiveStock } from './receive-stock.js';

/** Inventory over REST. */
@Controller('v1/items')
export class InventoryHttpController {
  constructor(
    private readonly gatherer: Gatherer,
    private readonly on: InventoryUseCases,
  ) {}

  @Put(':sku')
  @Replies<Item>({ status: { of: (item) => (item.version === 1 ? 201 : 200), oneOf: [200, 201] } })
  put(@Input(PutItem) asked: Asked<PutItem>) {
    return this.gatherer.gather(this.on.putItem, asked);
  }

  @Post(':sku/receipts')
  @Replies<Item>({ status: 201 })
  receive(@Input(ReceiveStock) asked: Asked<ReceiveStock>) {
    return this.gatherer.gather(this.on.receiveStock, asked);
  }

  @Get(':sku')
  get(@Input(GetItem) asked: Asked<GetItem>) {
    return this.gatherer.gather(this.on.getItem, asked);
  }

  @Get()
  list(@Input(ListItems) asked: Asked<ListItems>) {
    return this.gatherer.gather(this.on.listItems, asked);
  }
}
