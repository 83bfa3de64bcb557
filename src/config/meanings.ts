import type { SETTINGS } from './settings.js';

/** What a setting is for, in plain words, and what happens without it where its default does not say so. */
interface Meaning {
  means: string;
  unset?: string;
}

const DATABASE = { unset: '`DATABASE_URL`' };
const AGE = 'at least `RELEASE_WITHIN_DAYS`';

/** The words of docs/settings.md; a setting without them does not compile. Markdown. */
export const MEANINGS: Record<keyof typeof SETTINGS, Meaning> = {
  PORT: { means: 'REST; 0 = any free port, printed at start' },
  GRPC_PORT: { means: 'gRPC; 0 = any free port' },
  HOST: { means: 'the address both listen on' },
  DATABASE_URL: {
    unset: 'embedded PostgreSQL',
    means: 'the database of every module that has no URL of its own, PostgreSQL 15 or newer',
  },
  ORDERS_DATABASE_URL: { ...DATABASE, means: 'the database of orders' },
  PAYMENTS_DATABASE_URL: { ...DATABASE, means: "the database of payments, and of the sandbox's ledger" },
  INVENTORY_DATABASE_URL: { ...DATABASE, means: 'the database of inventory' },
  NOTIFICATIONS_DATABASE_URL: { ...DATABASE, means: 'the database of notifications' },
  DATABASE_POOL_SIZE: { means: 'connections that this process opens to each database, besides one for LISTEN' },
  RABBITMQ_URL: {
    unset: 'local carrier',
    means:
      'several brokers separated by commas. The vhost `/` is left out or written `/%2F`. It opens the third gate and publishes events',
  },
  MODULES: {
    unset: 'all',
    means:
      'modules of this process. A part of them needs `RABBITMQ_URL` and `MESSAGE_SECRET`; orders without inventory needs `INVENTORY_GRPC_URL`',
  },
  MESSAGE_SECRET: {
    unset: 'made once, kept in `DATA_DIR`',
    means: 'signs messages between modules; all processes of one installation need the same',
  },
  INVENTORY_GRPC_URL: {
    unset: 'asked in process',
    means: 'where orders asks prices when inventory is not in its process; the addresses take turns',
  },
  GRPC_CONNECTION_AGE_MS: {
    means:
      'how old a gRPC connection gets before its client is asked to connect anew, to whichever process a balancer chooses',
  },
  API_KEYS: {
    unset: 'one made at the first start, printed once',
    means:
      '`name:secret:scope+scope`, several separated by `;` or line ends. As `API_KEYS_FILE` it is read again every 5 s',
  },
  JWT_JWKS_URL: {
    unset: 'no tokens',
    means:
      "where the public keys of the issuer of customers' tokens are read (over `http://` whoever can answer in its place can make tokens)",
  },
  JWT_ISSUER: {
    unset: 'no tokens',
    means:
      'what `iss` of a token must be, exactly; `JWT_JWKS_URL`, `JWT_ISSUER` and `JWT_AUDIENCE` are set together or not at all',
  },
  JWT_AUDIENCE: { unset: 'no tokens', means: 'what `aud` of a token must be, exactly' },
  RATE_LIMIT_PER_SECOND: {
    unset: 'no limit',
    means: 'calls a second of each caller, over all gates and all processes on one database',
  },
  CORS_ORIGINS: { unset: 'none', means: 'origins whose pages may call from browsers; `*` is every page' },
  AMQP_PUBLISHER_SCOPES: { means: 'what a publisher on RabbitMQ without an API key may do' },
  PAYMENT_PROVIDER: { means: '`sandbox` is the only one' },
  PAYMENT_SANDBOX_URL: {
    unset: 'one is started beside, on 127.0.0.1',
    means: 'a sandbox that runs elsewhere (`sanmon sandbox`)',
  },
  PAYMENT_DEADLINE_MS: { means: 'how long an authorisation that is not booked is tried, from its first attempt' },
  SMTP_URL: {
    unset: 'preview',
    means: '`smtp://user:password@host:port`; without it mails are rendered, stored and counted as sent',
  },
  MAIL_FROM: { means: 'From of every mail' },
  CANCEL_WINDOW_HOURS: { means: 'how long a CONFIRMED order can still be cancelled; fractions allowed' },
  ORDER_STALLED_HOURS: {
    means: 'after this an order that does not move is logged as an error and its last command sent again',
  },
  IDEMPOTENCY_RETENTION_DAYS: { means: `how long idempotency keys and seen messages are remembered, ${AGE}` },
  RELEASE_WITHIN_DAYS: { means: 'how old a parked message may be when it is released' },
  PUBLIC_DOCS: {
    means:
      '`off`: `/docs`, `/openapi.json`, `/asyncapi.json`, `/proto` and what is under them answer 404, and gRPC reflection UNIMPLEMENTED; `docs/contracts/` and `sanmon openapi` have the same',
  },
  METRICS: { means: '`off`: `/metrics` answers 404 and nothing is counted' },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    unset: 'no traces',
    means: 'where spans are sent, as OTLP over HTTP (`/v1/traces` is added)',
  },
  OTEL_SERVICE_NAME: { means: '`service.name` of the spans' },
  OTEL_TRACES_SAMPLER_ARG: {
    means:
      'the share of new traces that is exported, 0 to 1; a call that brings a `traceparent` keeps the decision in it',
  },
  DATA_DIR: { means: 'see [the data directory](operations.md#the-data-directory)' },
  LOG_LEVEL: { means: 'the lowest level that is logged' },
  DRAIN_DELAY_MS: {
    means: 'at SIGTERM: how long `/readyz` answers 503 before the gates close; part of `SHUTDOWN_TIMEOUT_MS`',
  },
  SHUTDOWN_TIMEOUT_MS: { means: 'after this an unfinished shutdown is cut off' },
};
