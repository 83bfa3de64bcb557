import { NestFactory } from '@nestjs/core';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { STORAGES } from '../../src/app.module.js';
import type { ModuleName } from '../../src/config/settings.js';
import { Database } from '../../src/database/database.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { dataSourceFor, opened } from '../../src/database/data-sources.js';
import { GatesModule } from '../../src/gates/gates.module.js';
import type { Quote } from '../../src/inventory/index.js';
import { InventoryModule } from '../../src/inventory/inventory.module.js';
import { Handlers } from '../../src/messaging/handlers.js';
import { MessagingModule } from '../../src/messaging/messaging.module.js';
import { Signature } from '../../src/messaging/outbox/signature.js';
import { Traffic } from '../../src/messaging/traffic.js';
import { Channel } from '../../src/notifications/channels/channel.js';
import { NotificationsModule } from '../../src/notifications/notifications.module.js';
import { Catalogue } from '../../src/orders/catalogue/catalogue.js';
import { OrdersModule } from '../../src/orders/orders.module.js';
import { PaymentsModule } from '../../src/payments/payments.module.js';
import type { PaymentProvider } from '../../src/payments/providers/provider.js';

/** Whatever is asked for costs 600 yen. */
class PriceList extends Catalogue {
  quote(skus: string[]): Promise<Map<string, Quote>> {
    const quotes = skus.map((sku) => ({ sku, name: `Thing ${sku}`, currency: 'JPY', unitPrice: 600 }));
    return Promise.resolve(new Map(quotes.map((quote) => [quote.sku, quote])));
  }
}

/** The outside that never answers, so that effects begin and nothing comes of them. */
const never = (): Promise<never> => new Promise(() => undefined);

class SilentChannel extends Channel {
  send = never;
  close(): void {}
}

const silentProvider: PaymentProvider = {
  name: 'silent',
  authorise: never,
  capture: never,
  void: never,
  refund: never,
  find: never,
};

const MODULES: Record<ModuleName, () => DynamicModule | Type> = {
  orders: () =>
    OrdersModule.forRoot(
      { cancelWindowHours: 24, stalledHours: 24 },
      { imports: [], inject: [], make: () => new PriceList() },
    ),
  payments: () => PaymentsModule.forRoot({ provider: silentProvider, deadlineMs: 60_000 }),
  inventory: () => InventoryModule,
  notifications: () => NotificationsModule.forRoot({ channel: new SilentChannel() }),
};

/** One module on its own schema, without any other, and with nothing running: no loop, no carrier, no gate. */
export interface LoneModule {
  app: INestApplicationContext;
  database: Database;
  traffic: Traffic;
  close(): Promise<void>;
}

/** Boots one module with what it needs and nothing else; the outside is a price list and silence. */
export async function aLoneModule(name: ModuleName, databaseUrl: string): Promise<LoneModule> {
  const source = await opened(dataSourceFor(databaseUrl, [STORAGES[name]]), [STORAGES[name]]);
  const database = new Database(source);
  const traffic = new Traffic(
    { modules: new Map([[name, database]]), retentionDays: 30, signature: new Signature('a secret of this test') },
    new Handlers(),
  );
  const house = {
    module: class Alone {},
    imports: [
      DatabaseModule.forRoot(new Map([['database', source]])),
      MessagingModule.forRoot(traffic),
      GatesModule.forRoot({ text: '' }),
      MODULES[name](),
    ],
  };
  const app = await NestFactory.createApplicationContext(house, { logger: false, abortOnError: false });
  return {
    app,
    database,
    traffic,
    close: async () => {
      await app.close();
      if (source.isInitialized) await source.destroy();
    },
  };
}
