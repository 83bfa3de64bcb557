import type { Scope } from '../access/principal.js';
import {
  count,
  hours,
  list,
  milliseconds,
  grpcTarget,
  oneOf,
  origin,
  port,
  scopes,
  share,
  text,
  type Setting,
  url,
} from './setting.js';

/** The modules of the house, in the order of its picture. */
export const MODULES = ['orders', 'payments', 'inventory', 'notifications'] as const;
export type ModuleName = (typeof MODULES)[number];

/** Every setting there is: name, form, default. The environment is read nowhere else; each may also come as `X_FILE`. */
export const SETTINGS = {
  PORT: port(3000),
  GRPC_PORT: port(50051),
  HOST: text('0.0.0.0'),
  DATABASE_URL: url(['postgres:', 'postgresql:']),
  ORDERS_DATABASE_URL: url(['postgres:', 'postgresql:']),
  PAYMENTS_DATABASE_URL: url(['postgres:', 'postgresql:']),
  INVENTORY_DATABASE_URL: url(['postgres:', 'postgresql:']),
  NOTIFICATIONS_DATABASE_URL: url(['postgres:', 'postgresql:']),
  DATABASE_POOL_SIZE: count(24, 3, 500),
  RABBITMQ_URL: list(url(['amqp:', 'amqps:'])),
  MODULES: list(oneOf(MODULES)),
  MESSAGE_SECRET: text(undefined, 16),
  INVENTORY_GRPC_URL: grpcTarget,
  GRPC_CONNECTION_AGE_MS: milliseconds(300_000, 1_000),
  API_KEYS: text(undefined),
  JWT_JWKS_URL: url(['https:', 'http:']),
  JWT_ISSUER: text(undefined),
  JWT_AUDIENCE: text(undefined),
  RATE_LIMIT_PER_SECOND: count(0, 1, 1_000_000),
  CORS_ORIGINS: list(origin),
  AMQP_PUBLISHER_SCOPES: scopes(['orders:write', 'inventory:write']),
  PAYMENT_PROVIDER: oneOf(['sandbox'] as const, 'sandbox'),
  PAYMENT_SANDBOX_URL: url(['http:', 'https:']),
  PAYMENT_DEADLINE_MS: milliseconds(120_000, 1_000),
  SMTP_URL: url(['smtp:', 'smtps:']),
  MAIL_FROM: text('Sanmon <orders@sanmon.example>'),
  CANCEL_WINDOW_HOURS: hours(24),
  ORDER_STALLED_HOURS: hours(24),
  IDEMPOTENCY_RETENTION_DAYS: count(30, 1, 3_650),
  RELEASE_WITHIN_DAYS: count(30, 1, 3_650),
  PUBLIC_DOCS: oneOf(['on', 'off'] as const, 'on'),
  METRICS: oneOf(['on', 'off'] as const, 'on'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(['http:', 'https:']),
  OTEL_SERVICE_NAME: text('sanmon'),
  OTEL_TRACES_SAMPLER_ARG: share(1),
  DATA_DIR: text('.data'),
  LOG_LEVEL: oneOf(['error', 'warn', 'info', 'debug'] as const, 'info'),
  DRAIN_DELAY_MS: milliseconds(0),
  SHUTDOWN_TIMEOUT_MS: milliseconds(15_000, 100),
} satisfies Record<string, Setting<unknown>>;

type Values = { [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never };

/** What this process was told, judged and frozen. */
export type Settings = Readonly<
  Values & {
    /** Where the API keys were read from, when that was a file: it is read again while we run. */
    API_KEYS_FILE?: string;
    /** The user behind sudo, to whom an embedded server can be handed when we run as root. */
    owner?: { uid: number; gid: number };
  }
>;

/** The database of a module: its own, else the common one, else undefined (embedded). */
export const databaseUrlOf = (settings: Settings, module: ModuleName): string | undefined =>
  settings[`${module.toUpperCase()}_DATABASE_URL` as 'ORDERS_DATABASE_URL'] ?? settings.DATABASE_URL;

export type PublisherScopes = readonly Scope[];
