import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { DataSource, type EntityManager } from 'typeorm';
import { InboxRow, OutboxRow } from './entities.js';

export const QUEUES = ['payments', 'stock', 'orders'] as const;
export type Queue = (typeof QUEUES)[number];
export const clientOf = (queue: Queue): string => `${queue}-client`;

const SET = 100;
const POLL_MS = 20;

/** A message between the modules; `id` is what the inbox remembers. */
export interface Envelope<B> {
  id: string;
  body: B;
}

/** Writes messages in the caller's transaction, sends them afterwards in sets, and remembers what was handled. */
@Injectable()
export class Outbox implements OnApplicationBootstrap, OnModuleDestroy {
  private running = true;
  private loop?: Promise<void>;
  private readonly clients: Record<Queue, ClientProxy>;

  constructor(
    private readonly source: DataSource,
    @Inject(clientOf('payments')) payments: ClientProxy,
    @Inject(clientOf('stock')) stock: ClientProxy,
    @Inject(clientOf('orders')) orders: ClientProxy,
  ) {
    this.clients = { payments, stock, orders };
  }

  async send(manager: EntityManager, queue: Queue, pattern: string, body: object): Promise<void> {
    await manager.insert(OutboxRow, { id: randomUUID(), queue, pattern, body });
  }

  /** False when this consumer has handled the message before. */
  async first(manager: EntityManager, consumer: Queue, id: string): Promise<boolean> {
    const inserted = await manager
      .createQueryBuilder()
      .insert()
      .into(InboxRow)
      .values({ consumer, id })
      .orIgnore()
      .returning('id')
      .execute();
    return (inserted.raw as unknown[]).length > 0;
  }

  onApplicationBootstrap(): void {
    this.loop = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.running = false;
    await this.loop;
  }

  private async run(): Promise<void> {
    while (this.running) if ((await this.relay()) < SET) await sleep(POLL_MS);
  }

  /** Confirmed by the broker first, deleted afterwards. */
  private relay(): Promise<number> {
    return this.source.transaction(async (manager) => {
      const rows = await manager
        .createQueryBuilder(OutboxRow, 'row')
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .orderBy('row.seq')
        .take(SET)
        .getMany();
      if (rows.length === 0) return 0;
      await Promise.all(
        rows.map(({ id, queue, pattern, body }) =>
          firstValueFrom(this.clients[queue as Queue].emit(pattern, { id, body }), { defaultValue: undefined }),
        ),
      );
      await manager.delete(
        OutboxRow,
        rows.map((row) => row.seq),
      );
      return rows.length;
    });
  }
}
