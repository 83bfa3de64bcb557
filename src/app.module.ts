import { type DynamicModule, Module } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import type { Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import type { ApiKeySource } from './access/api-keys.js';
import type { TokenSource } from './access/tokens.js';
import { type ModuleName, MODULES, type Settings } from './config/settings.js';
import type { Storage } from './database/data-sources.js';
import { DatabaseModule } from './database/database.module.js';
import { DocumentsModule } from './documents/documents.module.js';
import type { CallSpans } from './gates/call-spans.js';
import { GatesModule } from './gates/gates.module.js';
import { Health } from './gates/health.js';
import { QuoteItems } from './inventory/index.js';
import { InventoryHttpController } from './inventory/inventory.http.controller.js';
import { InventoryModule } from './inventory/inventory.module.js';
import { inventoryStorage } from './inventory/inventory.storage.js';
import { MessagingModule } from './messaging/messaging.module.js';
import { Traffic } from './messaging/traffic.js';
import { channelFor } from './notifications/channels/channel-for.js';
import { MeasuredChannel } from './notifications/channels/measured.channel.js';
import { NotificationsHttpController } from './notifications/notifications.http.controller.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { notificationsStorage } from './notifications/notifications.storage.js';
import { OpsModule } from './ops/ops.module.js';
import { GrpcCatalogue } from './orders/catalogue/grpc.catalogue.js';
import { RememberingCatalogue } from './orders/catalogue/remembering.catalogue.js';
import { OrdersHttpController } from './orders/orders.http.controller.js';
import { type CatalogueSource, OrdersModule } from './orders/orders.module.js';
import { ordersStorage } from './orders/orders.storage.js';
import { PaymentsHttpController } from './payments/payments.http.controller.js';
import { PaymentsModule } from './payments/payments.module.js';
import { paymentsStorage } from './payments/payments.storage.js';
import { MeasuredProvider } from './payments/providers/measured.provider.js';
import { SandboxClient } from './payments/providers/sandbox.client.js';

/** What each module of the house stores. */
export const STORAGES: Record<ModuleName, Storage> = {
  orders: ordersStorage,
  payments: paymentsStorage,
  inventory: inventoryStorage,
  notifications: notificationsStorage,
};

const HTTP_CONTROLLERS: Record<ModuleName, object> = {
  orders: OrdersHttpController,
  payments: PaymentsHttpController,
  inventory: InventoryHttpController,
  notifications: NotificationsHttpController,
};

/** WebSockets have no controller to be read from. */
const SOCKETS: Partial<Record<ModuleName, string[]>> = { orders: ['/v1/live'] };

/** The paths of the REST gate that belong to modules of other processes, e.g. `/v1/orders` to orders. */
export const pathsElsewhere = (here: readonly ModuleName[]): Map<string, ModuleName> =>
  new Map(
    MODULES.filter((module) => !here.includes(module)).flatMap((module) => {
      const path = Reflect.getMetadata(PATH_METADATA, HTTP_CONTROLLERS[module]) as string;
      return [`/${path}`, ...(SOCKETS[module] ?? [])].map((its) => [its, module] as const);
    }),
  );

/** Everything the modules stand on, already open. */
export interface Ground {
  settings: Settings;
  sources: Map<string, DataSource>;
  traffic: Traffic;
  keys: ApiKeySource;
  sandboxUrl: string;
  /** Where numbers are told; absent = nowhere. */
  metrics?: Registry;
  /** Where the spans of calls are told; absent = nowhere. */
  spans?: CallSpans;
}

/** The house: which modules live in this process, and what each is told. */
@Module({})
export class AppModule {
  static on({ settings, sources, traffic, keys, sandboxUrl, metrics, spans }: Ground): DynamicModule {
    const channel = () => channelFor({ smtpUrl: settings.SMTP_URL, from: settings.MAIL_FROM });
    const modules: Record<ModuleName, () => DynamicModule | typeof InventoryModule> = {
      orders: () =>
        OrdersModule.forRoot(
          { cancelWindowHours: settings.CANCEL_WINDOW_HOURS, stalledHours: settings.ORDER_STALLED_HOURS },
          catalogueFor(settings),
        ),
      payments: () =>
        PaymentsModule.forRoot({
          provider: metrics
            ? new MeasuredProvider(new SandboxClient(sandboxUrl), metrics)
            : new SandboxClient(sandboxUrl),
          deadlineMs: settings.PAYMENT_DEADLINE_MS,
        }),
      inventory: () => InventoryModule,
      notifications: () =>
        NotificationsModule.forRoot({ channel: metrics ? new MeasuredChannel(channel(), metrics) : channel() }),
    };
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(sources),
        MessagingModule.forRoot(traffic),
        GatesModule.forRoot(keys, {
          tokens: tokensOf(settings),
          callsPerSecond: settings.RATE_LIMIT_PER_SECOND,
          origins: settings.CORS_ORIGINS,
          metrics,
          spans,
        }),
        ...settings.MODULES.map((name) => modules[name]()),
        ...(settings.PUBLIC_DOCS === 'on' ? [DocumentsModule] : []),
        OpsModule.forRoot({ releaseWithinDays: settings.RELEASE_WITHIN_DAYS }),
      ],
    };
  }
}

/** Prices are asked in this process when inventory is here, else where `INVENTORY_GRPC_URL` says. */
function catalogueFor({ MODULES: here, INVENTORY_GRPC_URL: url }: Settings): CatalogueSource {
  if (here.includes('inventory'))
    return {
      imports: [InventoryModule],
      inject: [QuoteItems],
      make: (quotes: QuoteItems) => new RememberingCatalogue(quotes),
    };
  return {
    imports: [],
    inject: [Traffic, Health],
    make: ({ signature, handlers }: Traffic, health: Health) => {
      const inventory = new GrpcCatalogue(url!, signature, handlers.tell);
      // Not down: orders are read and cancelled all the same, and those that come over RabbitMQ wait.
      health.register('inventory', async () => ((await inventory.answers()) ? 'ok' : 'degraded'));
      return new RememberingCatalogue(inventory);
    },
  };
}

const tokensOf = ({ JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE }: Settings): TokenSource | undefined =>
  JWT_JWKS_URL ? { jwksUrl: JWT_JWKS_URL, issuer: JWT_ISSUER!, audience: JWT_AUDIENCE! } : undefined;
