import { databaseUrlOf, MODULES, type Settings } from './config/settings.js';
import type { House } from './house.js';

/** What runs where, how to reach it, what is simulated, and a first order to copy. */
export function bootReport(settings: Settings, house: House, tookMs: number): string {
  const host = ['0.0.0.0', '::'].includes(settings.HOST) ? 'localhost' : settings.HOST;
  const rest = `http://${host}:${house.httpPort}`;
  const { foundations } = house;
  const away = MODULES.filter((module) => !settings.MODULES.includes(module));
  const key = foundations.newKey ?? '<your API key>';
  return [
    '',
    `Sanmon · node ${process.versions.node} · modules ${settings.MODULES.join(', ')}${away.length > 0 ? ` (elsewhere: ${away.join(', ')})` : ''}`,
    `  database   ${databases(settings, foundations.embedded)}`,
    `  carrier    ${carrier(settings)}`,
    `  payments   ${payments(settings, foundations.sandboxUrl)}`,
    `  e-mail     ${settings.SMTP_URL ? `SMTP ${withoutSecrets(settings.SMTP_URL)}` : 'PREVIEW: rendered and stored, not sent (set SMTP_URL to send)'}`,
    ...prices(settings).map((said) => `  prices     ${said}`),
    ...(settings.OTEL_EXPORTER_OTLP_ENDPOINT
      ? [`  traces     to ${withoutSecrets(settings.OTEL_EXPORTER_OTLP_ENDPOINT)}, over OTLP/HTTP`]
      : []),
    '',
    `  REST       ${rest}/v1        health ${rest}/readyz`,
    `  gRPC       ${host}:${house.grpcPort} (${settings.PUBLIC_DOCS === 'on' ? 'reflection, ' : ''}health)`,
    ...(settings.RABBITMQ_URL.length > 0
      ? ['  RabbitMQ   commands to the exchange sanmon.commands, events from sanmon.events']
      : []),
    ...(settings.PUBLIC_DOCS === 'on' ? [`  documents  ${rest}/docs        for RabbitMQ ${rest}/docs/events`] : []),
    ...(foundations.newKey
      ? ['', `  API key    ${foundations.newKey}`, '             shown this once; only its hash is kept']
      : []),
    '',
    ...firstOrder(rest, key),
    '',
    `ready in ${(tookMs / 1_000).toFixed(2)} s`,
  ].join('\n');
}

function firstOrder(rest: string, key: string): string[] {
  return [
    'A first order:',
    `  KEY='${key}'`,
    `  curl -s -X PUT ${rest}/v1/items/tea -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"name":"Green tea","currency":"JPY","unitPrice":1200}'`,
    `  curl -s ${rest}/v1/items/tea/receipts -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"quantity":100}'`,
    `  curl -s ${rest}/v1/orders -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"customerId":"ada","email":"ada@example.com","currency":"JPY","lines":[{"sku":"tea","quantity":2}],"paymentMethod":"pm_ok"}'`,
  ];
}

function databases(settings: Settings, embedded?: string): string {
  const urls = [...new Set(settings.MODULES.map((module) => databaseUrlOf(settings, module)))];
  return urls.map((url) => (url ? withoutSecrets(url) : `embedded PostgreSQL in ${embedded}`)).join(', ');
}

const carrier = (settings: Settings): string =>
  settings.RABBITMQ_URL.length > 0
    ? `RabbitMQ ${settings.RABBITMQ_URL.map(withoutSecrets).join(', ')}`
    : 'local, through outbox and intake (set RABBITMQ_URL for the third gate and for events)';

const payments = (settings: Settings, sandboxUrl: string): string =>
  settings.MODULES.includes('payments') ? `SIMULATED by the sandbox at ${sandboxUrl}: no money moves` : 'elsewhere';

/** Said only where there is a choice: orders is here, and inventory elsewhere or said to be. */
function prices({ MODULES: here, INVENTORY_GRPC_URL: url }: Settings): string[] {
  if (!here.includes('orders') || !url) return [];
  return [here.includes('inventory') ? 'asked in this process; INVENTORY_GRPC_URL is not used' : `asked at ${url}`];
}

/** A URL as it may be shown: without user and password. */
export function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
