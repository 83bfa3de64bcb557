import type { CommandReception, QueryReception } from '../gates/amqp/command-reception.js';
import type { Asked } from '../gates/asked.js';
import type { Message } from '../messaging/message.js';
import { Receiver, Receives, type Reception } from '../messaging/receives.js';
import { GetItem } from './get-item.js';
import { ReserveStock, SellStock, UndoStock } from './index.js';
import { InventoryUseCases } from './inventory.use-cases.js';
import { ListItems } from './list-items.js';
import { MoveStock } from './move-stock.js';
import { PutItem } from './put-item.js';
import { ReceiveStock } from './receive-stock.js';

/** Inventory over RabbitMQ: the world's commands and queries, and what orders tells it to do. */
@Receiver('inventory')
export class InventoryAmqpController {
  constructor(
    private readonly on: InventoryUseCases,
    private readonly moveStock: MoveStock,
  ) {}

  @Receives(PutItem)
  put(set: Asked<PutItem>[], { run }: CommandReception) {
    return run(this.on.putItem, set);
  }

  @Receives(ReceiveStock)
  receive(set: Asked<ReceiveStock>[], { run }: CommandReception) {
    return run(this.on.receiveStock, set);
  }

  @Receives(GetItem)
  get(set: Asked<GetItem>[], { ask }: QueryReception) {
    return ask(this.on.getItem, set);
  }

  @Receives(ListItems)
  list(set: Asked<ListItems>[], { ask }: QueryReception) {
    return ask(this.on.listItems, set);
  }

  @Receives(ReserveStock, SellStock, UndoStock)
  move(set: Message<ReserveStock | SellStock | UndoStock>[], { tx }: Reception) {
    return this.moveStock.handle(tx, set);
  }
}
