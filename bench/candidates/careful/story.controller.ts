import { setTimeout as sleep } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import type { Channel, Message } from 'amqplib';
import { DataSource, In } from 'typeorm';
import { SandboxClient } from '../../../src/payments/providers/sandbox.client.js';
import { Item, Order } from '../entities.js';
import { Notification, Payment } from './entities.js';
import { type Envelope, Outbox } from './outbox.js';

interface Placed {
  orderId: string;
  email: string;
  amount: number;
  currency: string;
  method: string;
  lines: { sku: string; quantity: number }[];
}

interface Paid extends Placed {
  reference: string;
}

const PROVIDER_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;

/** The three hops behind an accepted order. The provider is called before the transaction, with a key that is repeated. */
@Controller()
export class StoryController {
  constructor(
    private readonly source: DataSource,
    private readonly outbox: Outbox,
    private readonly provider: SandboxClient,
  ) {}

  @EventPattern<string>('order.placed')
  pay(@Payload() message: Envelope<Placed>, @Ctx() context: RmqContext): Promise<void> {
    return settled(context, () => this.authorised(message));
  }

  @EventPattern<string>('payment.authorised')
  reserve(@Payload() message: Envelope<Placed>, @Ctx() context: RmqContext): Promise<void> {
    return settled(context, () => this.reserved(message));
  }

  @EventPattern<string>('stock.reserved')
  confirm(@Payload() message: Envelope<Paid>, @Ctx() context: RmqContext): Promise<void> {
    return settled(context, () => this.confirmed(message));
  }

  private async authorised({ id, body }: Envelope<Placed>): Promise<void> {
    const { orderId, amount, currency, method } = body;
    const reference = await this.booked(
      this.provider.authorise({ key: `${orderId}:authorise`, method, amount, currency, orderId }, PROVIDER_TIMEOUT_MS),
    );
    await this.source.transaction(async (manager) => {
      if (!(await this.outbox.first(manager, 'payments', id))) return;
      await manager.insert(Payment, { orderId, state: 'AUTHORISED', amount, reference });
      await this.outbox.send(manager, 'stock', 'payment.authorised', { ...body, reference });
    });
  }

  private async reserved({ id, body }: Envelope<Placed>): Promise<void> {
    await this.source.transaction(async (manager) => {
      if (!(await this.outbox.first(manager, 'stock', id))) return;
      const items = await manager.find(Item, {
        where: { sku: In(body.lines.map((line) => line.sku)) },
        order: { sku: 'ASC' },
        lock: { mode: 'pessimistic_write' },
      });
      for (const item of items) {
        const { quantity } = body.lines.find((line) => line.sku === item.sku)!;
        if (item.available < quantity) throw new Error('out of stock'); // the bench's shelf never runs out
        item.available -= quantity;
        item.reserved += quantity;
      }
      await manager.save(items);
      await this.outbox.send(manager, 'orders', 'stock.reserved', body);
    });
  }

  private async confirmed({ id, body }: Envelope<Paid>): Promise<void> {
    const { orderId, reference, amount, email } = body;
    await this.booked(this.provider.capture({ key: `${orderId}:capture`, reference, amount }, PROVIDER_TIMEOUT_MS));
    await this.source.transaction(async (manager) => {
      if (!(await this.outbox.first(manager, 'orders', id))) return;
      await manager.update(Payment, orderId, { state: 'CAPTURED' });
      await manager.update(Order, orderId, { state: 'CONFIRMED' });
      await manager.insert(Notification, { orderId, to: email, subject: 'Confirmed', text: `Order ${orderId}` });
    });
  }

  private async booked(asked: ReturnType<SandboxClient['authorise']>): Promise<string> {
    const answer = await asked;
    if (answer.outcome !== 'ok') throw new Error(`the provider said ${answer.outcome}`);
    return answer.reference;
  }
}

/** Acknowledged once it is done; what fails goes back into its queue, for Nest itself would leave it without an answer. */
async function settled(context: RmqContext, work: () => Promise<void>): Promise<void> {
  const channel = context.getChannelRef() as Channel;
  const message = context.getMessage() as Message;
  try {
    await work();
    channel.ack(message);
  } catch (error) {
    console.error(error);
    await sleep(RETRY_MS);
    channel.nack(message);
  }
}
