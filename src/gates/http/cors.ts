import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request } from 'express';

const ASKED = ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-None-Match', 'Last-Event-ID', 'Prefer'];
const TOLD = ['ETag', 'Location', 'Idempotent-Replayed', 'Preference-Applied', 'Retry-After', 'Allow'];
const RATE = ['RateLimit', 'RateLimit-Policy'];
const TRACE = ['X-Request-Id', 'traceparent', 'tracestate'];
const PREFLIGHT_SECONDS = 600;

/**
 * Lets pages of these origins call us from browsers (WHATWG Fetch, CORS). Credentials travel in a header that a page must
 * know and never in cookies, so allowing an origin gives its pages nothing of their visitors.
 */
export function allowOrigins(app: NestExpressApplication, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const allowed = {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [...ASKED, ...TRACE],
    exposedHeaders: [...TOLD, ...RATE, 'X-Request-Id'],
    maxAge: PREFLIGHT_SECONDS,
  };
  // An OPTIONS that is no preflight is somebody's question which methods there are, and is answered by `answerOptions`.
  app.enableCors((request: Request, decide) =>
    decide(null, request.method !== 'OPTIONS' || isPreflight(request) ? allowed : { origin: false }),
  );
}

const isPreflight = ({ headers }: Request): boolean =>
  headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
