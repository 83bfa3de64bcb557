import { Logger } from '@nestjs/common';
import type { SpanKind as Kinds } from '@opentelemetry/api';
import type { Settings } from './config/settings.js';
import type { Span, TellSpan } from './messaging/spans.js';

/** Where spans go, and how what is still here is sent. */
export interface Traces {
  tell: TellSpan;
  close(): Promise<void>;
}

/** An export that goes wrong is said once in this time. */
const COMPLAIN_EVERY_MS = 60_000;
const CLOSE_WITHIN_MS = 2_000;
/** An order has some 40 spans: room for about a second of much work; what is more is dropped and not waited for. */
const BATCHES = { scheduledDelayMillis: 1_000, maxQueueSize: 20_000, maxExportBatchSize: 2_000 };

/**
 * Opens the way to an OpenTelemetry collector (OTLP over HTTP, as JSON). The packages are read here and only here, so that
 * without an endpoint nothing of them is loaded. No instrumentation and no global: every span is told by this house itself,
 * because one transaction handles messages of many traces.
 */
export async function openTraces(settings: Settings): Promise<Traces | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: name, MODULES: modules } = settings;
  if (!endpoint) return undefined;
  const [api, { BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  api.diag.setLogger(complaining(), api.DiagLogLevel.ERROR);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const ids = new GivenIds();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': name, 'sanmon.modules': modules.join(',') }),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor({ exporter, ...BATCHES })],
  });
  const tracer = provider.getTracer('sanmon');
  const tell = ({ name, kind, self, parent, began, failed, attributes }: Span): void => {
    const above = parent ? api.trace.setSpanContext(api.ROOT_CONTEXT, contextOf(parent)) : api.ROOT_CONTEXT;
    ids.next = contextOf(self);
    const options = { kind: kindOf(kind, api.SpanKind), startTime: timeOf(began), attributes };
    const span = tracer.startSpan(name, options, above);
    if (failed !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failed });
    span.end(timeOf(Math.max(began, performance.timeOrigin + performance.now())));
  };
  return { tell, close: () => inTime(provider.shutdown()) };
}

interface Ids {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** The ids of a `traceparent` are drawn before its span is made: what it caused has named them already. */
class GivenIds {
  next: Ids = { traceId: '', spanId: '', traceFlags: 0 };
  generateTraceId = (): string => this.next.traceId;
  generateSpanId = (): string => this.next.spanId;
}

function contextOf(traceparent: string): Ids {
  const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string];
  return { traceId, spanId, traceFlags: parseInt(flags, 16) };
}

const kindOf = (kind: Span['kind'], kinds: typeof Kinds): Kinds =>
  ({ server: kinds.SERVER, producer: kinds.PRODUCER, consumer: kinds.CONSUMER, client: kinds.CLIENT })[kind];

/** As seconds and nanoseconds: a bare number from before this process began would be taken for one of `performance.now()`. */
const timeOf = (ms: number): [number, number] => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];

function complaining() {
  const logger = new Logger('Traces');
  let said = -Infinity;
  const error = (message: string): void => {
    if (performance.now() - said < COMPLAIN_EVERY_MS) return;
    said = performance.now();
    logger.warn(`spans are lost: ${message}`);
  };
  const nothing = (): void => undefined;
  return { error, warn: nothing, info: nothing, debug: nothing, verbose: nothing };
}

async function inTime(closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_WITHIN_MS)));
  await Promise.race([closing.catch(() => undefined), late]);
  clearTimeout(timer);
}
