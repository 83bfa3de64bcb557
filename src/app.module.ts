import { type DynamicModule, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { ApiKeySource } from './access/api-keys.js';
import type { ModuleName, Settings } from './config/settings.js';
import type { Storage } from './database/data-sources.js';
import { DatabaseModule } from './database/database.module.js';
import { GatesModule } from './gates/gates.module.js';
import { QuoteItems } from './inventory/index.js';
import { InventoryModule } from './inventory/inventory.module.js';
import { inventoryStorage } from './inventory/inventory.storage.js';
import { MessagingModule } from './messaging/messaging.module.js';
import type { Traffic } from './messaging/traffic.js';
import { channelFor } from './notifications/channels/channel-for.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { notificationsStorage } from './notifications/notifications.storage.js';
import { OpsModule } from './ops/ops.module.js';
import { RememberingCatalogue } from './orders/catalogue.js';
import { OrdersModule } from './orders/orders.module.js';
import { ordersStorage } from './orders/orders.storage.js';
import { PaymentsModule } from './payments/payments.module.js';
import { paymentsStorage } from './payments/payments.storage.js';
import { SandboxClient } from './payments/providers/sandbox.client.js';

/** What each module of the house stores. */
export const STORAGES: Record<ModuleName, Storage> = {
  orders: ordersStorage,
  payments: paymentsStorage,
  inventory: inventoryStorage,
  notifications: notificationsStorage,
};

/** Everything the modules stand on, already open. */
export interface Ground {
  settings: Settings;
  sources: DataSource[];
  traffic: Traffic;
  keys: ApiKeySource;
  sandboxUrl: string;
}

/** The house: which modules live in this process, and what each is told. */
@Module({})
export class AppModule {
  static on({ settings, sources, traffic, keys, sandboxUrl }: Ground): DynamicModule {
    const modules: Record<ModuleName, () => DynamicModule | typeof InventoryModule> = {
      orders: () =>
        OrdersModule.forRoot(
          { cancelWindowHours: settings.CANCEL_WINDOW_HOURS, stalledHours: settings.ORDER_STALLED_HOURS },
          {
            imports: [InventoryModule],
            inject: [QuoteItems],
            make: (quotes: QuoteItems) => new RememberingCatalogue(quotes),
          },
        ),
      payments: () =>
        PaymentsModule.forRoot({ provider: new SandboxClient(sandboxUrl), deadlineMs: settings.PAYMENT_DEADLINE_MS }),
      inventory: () => InventoryModule,
      notifications: () =>
        NotificationsModule.forRoot({ channel: channelFor({ smtpUrl: settings.SMTP_URL, from: settings.MAIL_FROM }) }),
    };
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(sources),
        MessagingModule.forRoot(traffic),
        GatesModule.forRoot(keys),
        ...settings.MODULES.map((name) => modules[name]()),
        OpsModule,
      ],
    };
  }
}
