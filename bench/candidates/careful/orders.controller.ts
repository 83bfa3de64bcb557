import { Body, Controller, Get, HttpCode, NotFoundException, type OnModuleInit, Param, Post } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Item, Order, orderFrom } from '../entities.js';
import { PlaceOrderDto } from '../place-order.dto.js';
import { Outbox } from './outbox.js';

/** The REST gate: order and message in one transaction. */
@Controller('v1/orders')
export class OrdersController implements OnModuleInit {
  private items = new Map<string, Item>();

  constructor(
    private readonly source: DataSource,
    private readonly outbox: Outbox,
  ) {}

  async onModuleInit(): Promise<void> {
    this.items = new Map((await this.source.manager.find(Item)).map((item) => [item.sku, item]));
  }

  @Post()
  @HttpCode(202)
  place(@Body() asked: PlaceOrderDto): Promise<Order> {
    return this.source.transaction(async (manager) => {
      const order = await manager.save(manager.create(Order, orderFrom(asked, this.items)));
      await this.outbox.send(manager, 'payments', 'order.placed', {
        orderId: order.id,
        email: order.email,
        amount: order.total,
        currency: order.currency,
        method: order.paymentMethod,
        lines: asked.lines,
      });
      return order;
    });
  }

  @Get(':id')
  async get(@Param('id') id: string): Promise<Order> {
    const order = await this.source.manager.findOne(Order, { where: { id }, relations: { lines: true } });
    if (!order) throw new NotFoundException();
    return order;
  }
}
