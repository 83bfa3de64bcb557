import { Inject, Injectable } from '@nestjs/common';
import { GetItemHandler } from './get-item.js';
import { ListItemsHandler } from './list-items.js';
import { PutItemHandler } from './put-item.js';
import { ReceiveStockHandler } from './receive-stock.js';

/** Everything inventory can be asked, by name. */
@Injectable()
export class InventoryUseCases {
  @Inject() readonly putItem!: PutItemHandler;
  @Inject() readonly receiveStock!: ReceiveStockHandler;
  @Inject() readonly getItem!: GetItemHandler;
  @Inject() readonly listItems!: ListItemsHandler;
}
