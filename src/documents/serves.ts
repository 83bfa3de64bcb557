import { applyDecorators, Get, Header } from '@nestjs/common';
import { Replies } from '../gates/http/replies.js';

/** Everything a page of ours loads comes from us; Swagger UI styles its parts in place and draws with data: URLs. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const SECONDS: Record<string, number> = { 'text/css': 86_400, 'text/javascript': 86_400, 'image/png': 86_400 };

/** A route that sends a document of one media type. Documents change with a release: a browser asks again after a minute. */
export const Serves = (path: string, type: string): MethodDecorator =>
  applyDecorators(
    Get(path),
    Replies({ type }),
    Header('Content-Type', type === 'image/png' ? type : `${type}; charset=utf-8`),
    Header('Content-Security-Policy', POLICY),
    Header('X-Content-Type-Options', 'nosniff'),
    Header('Cache-Control', `max-age=${SECONDS[type] ?? 60}`),
  );
