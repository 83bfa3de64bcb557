import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  type OnModuleInit,
  Param,
  Post,
} from '@nestjs/common';
import { ClientProxy, Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import type { Channel, Message } from 'amqplib';
import { firstValueFrom } from 'rxjs';
import { Repository } from 'typeorm';
import { Item, Order, orderFrom } from '../entities.js';
import { PlaceOrderDto } from '../place-order.dto.js';

export const QUEUE = 'orders';
export const ORDERS = 'ORDERS_CLIENT';

@Controller()
export class OrdersController implements OnModuleInit {
  private items = new Map<string, Item>();

  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    @InjectRepository(Item) private readonly shelf: Repository<Item>,
    @Inject(ORDERS) private readonly client: ClientProxy,
  ) {}

  /** Prices are kept in memory: in its favour, they are never read again. */
  async onModuleInit(): Promise<void> {
    this.items = new Map((await this.shelf.find()).map((item) => [item.sku, item]));
  }

  @Post('v1/orders')
  @HttpCode(202)
  async place(@Body() asked: PlaceOrderDto): Promise<Order> {
    const order = await this.orders.save(this.orders.create(orderFrom(asked, this.items)));
    await firstValueFrom(this.client.emit('order.placed', { id: order.id }), { defaultValue: undefined });
    return order;
  }

  @Get('v1/orders/:id')
  async get(@Param('id') id: string): Promise<Order> {
    const order = await this.orders.findOne({ where: { id }, relations: { lines: true } });
    if (!order) throw new NotFoundException();
    return order;
  }

  @EventPattern<string>('order.placed')
  async confirm(@Payload() { id }: { id: string }, @Ctx() context: RmqContext): Promise<void> {
    await this.orders.update(id, { state: 'CONFIRMED' });
    (context.getChannelRef() as Channel).ack(context.getMessage() as Message);
  }
}
