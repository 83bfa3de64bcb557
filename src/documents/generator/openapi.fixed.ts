// The parts of the OpenAPI document that no registry knows: what is true of every operation.

/** What the document says of itself. */
export const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Sanmon',
    version: '1',
    summary: 'Orders, payments, inventory and notifications over REST.',
    description: [
      'One of three gates over the same handlers; the others are gRPC (`/proto`) and RabbitMQ (`/docs/events`).',
      '**Requests.** Bodies are `application/json` in UTF-8, at most 1 MiB, at most 32 levels deep, without unknown or repeated fields. Amounts are integers in minor units (JPY 1200 = ¥1,200; EUR 1200 = €12.00), times ISO 8601 in UTC.',
      '**Asking twice.** With an `Idempotency-Key` a command is carried out once, whichever gate it comes through: the first answer is given again for 30 days, marked `Idempotent-Replayed: true`.',
      '**Refusals** are problems (RFC 9457). `code` never changes; `type` leads to its entry in `/docs/errors`. Every path may also answer 404 `unknown-route` and 405 `method-not-allowed`.',
      '**Pages.** `nextPageToken` is absent on the last page; a token belongs to the list and the filter that it came from.',
    ].join('\n\n'),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'The process that serves this document.' }],
};

export const TAGS = [
  { name: 'orders', description: 'Placed at once, then worked through: payment, stock, capture, e-mail.' },
  { name: 'inventory', description: 'Items and their stock.' },
  { name: 'payments', description: 'One payment for each order.' },
  { name: 'notifications', description: 'What customers were told.' },
  { name: 'ops', description: 'The repair desk: messages that wait, failed or were refused.' },
  { name: 'health', description: 'Whether it works, open to everybody, and its numbers.' },
];

export const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key or a JWT: `Authorization: Bearer …`. Each operation names the scope that it needs.',
  },
};

/** Headers of requests, by the name of the header. */
export const PARAMETERS = {
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes asking again safe (draft-ietf-httpapi-idempotency-key-header). 1 to 255 printable ASCII characters, in double quotes or bare. One key of one caller for one operation is one command, over all three gates.',
    schema: { type: 'string', minLength: 1, maxLength: 257, pattern: '^[ -~]+$' },
    example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    description: 'The `ETag` of an earlier answer: 304 when nothing changed since (RFC 9110, 13.1.2).',
    schema: { type: 'string' },
    example: '"4"',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description:
      '`wait=N`: answered when the order is CONFIRMED, REJECTED or CANCELLED, or after N seconds, 30 at most (RFC 7240). It bounds the waiting, never the work; the status stays what it is.',
    schema: { type: 'string' },
    example: 'wait=10',
  },
  'Last-Event-ID': {
    name: 'Last-Event-ID',
    in: 'header',
    description:
      'The id of the last event that was read: what happened since is told next. Browsers send it by themselves.',
    schema: { type: 'string' },
    example: 'NWY0ZGNjM2I1YWE3LjQy',
  },
  traceparent: {
    name: 'traceparent',
    in: 'header',
    description: 'W3C Trace Context: what this call causes is part of that trace. One that is not valid is ignored.',
    schema: { type: 'string', pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}' },
    example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  },
  'X-Request-Id': {
    name: 'X-Request-Id',
    in: 'header',
    description:
      'What this call is called in our log and in its answer; a new id when it is left out or could mislead.',
    schema: { type: 'string', maxLength: 128, pattern: '^[A-Za-z0-9._:/+=-]+$' },
    example: 'checkout-7f3a',
  },
};

/** Headers of answers, by their name. */
export const HEADERS = {
  'X-Request-Id': { description: 'What this call is called in our log.', schema: { type: 'string' } },
  RateLimit: {
    description:
      'How many calls are left to this caller in this second (draft-ietf-httpapi-ratelimit-headers); only where there is a limit.',
    schema: { type: 'string' },
    example: '"caller";r=41;t=1',
  },
  'RateLimit-Policy': {
    description: 'The limit itself: calls of this caller in a second, over all gates.',
    schema: { type: 'string' },
    example: '"caller";q=50;w=1',
  },
  'Preference-Applied': {
    description: 'The preference that was followed.',
    schema: { type: 'string' },
    example: 'wait=10',
  },
  Location: { description: 'The path of what was made.', schema: { type: 'string', format: 'uri-reference' } },
  ETag: { description: 'The version, in double quotes.', schema: { type: 'string' }, example: '"4"' },
  'Idempotent-Replayed': {
    description: '`true` when this is the first answer, given again.',
    schema: { type: 'string', const: 'true' },
  },
  'Retry-After': { description: 'Seconds after which asking again makes sense.', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'How to show a credential.', schema: { type: 'string', const: 'Bearer' } },
};

/** What every operation takes, and what each of its answers has. */
export const ON_ALL = {
  requests: ['traceparent', 'X-Request-Id'],
  answers: ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'],
};

/** RFC 9457. */
export const PROBLEM = {
  type: 'object',
  description: 'A refusal (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: {
      type: 'string',
      format: 'uri-reference',
      description: 'Names the kind of problem, and leads to its entry in the catalogue.',
    },
    title: { type: 'string', description: 'The same for every problem of this type.' },
    status: { type: 'integer', description: 'The status of this answer.' },
    detail: { type: 'string', description: 'What is wrong here, for people.' },
    code: { type: 'string', description: 'Stable, and the same over gRPC and RabbitMQ.' },
    instance: { type: 'string', format: 'uri-reference', description: 'Names this one occurrence in our log.' },
    errors: {
      type: 'array',
      description: 'Every field that is wrong, at most 20.',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: {
          field: { type: 'string', description: 'Its path, e.g. `lines[0].sku`.' },
          message: { type: 'string' },
          pointer: {
            type: 'string',
            description: 'The same as a JSON Pointer (RFC 6901); absent when it is no field of the input.',
          },
        },
      },
    },
    retryAfter: { type: 'integer', description: 'Seconds; the same as the header.' },
    details: { type: 'object', description: 'What else this failure tells.' },
  },
};

const refusal = (status: string, code: string): object => ({
  description: `${status}: \`${code}\`.`,
  content: {
    'application/problem+json': {
      schema: { $ref: '#/components/schemas/Problem' },
      examples: { [code]: { $ref: `#/components/examples/${code}` } },
    },
  },
});
const NOT_ACCEPTABLE = refusal('Not Acceptable', 'not-acceptable');

const CONDITION = { type: 'string', enum: ['ok', 'degraded', 'down'] };
const REPORT = {
  type: 'object',
  required: ['status', 'checks'],
  properties: { status: CONDITION, checks: { type: 'object', additionalProperties: CONDITION } },
};
const report = (description: string, status: string): object => ({
  description,
  content: { 'application/json': { schema: REPORT, example: { status, checks: { database: status, broker: 'ok' } } } },
});

/** The routes that belong to no operation. */
export const HEALTH: Record<string, object> = {
  'GET /livez': {
    operationId: 'livez',
    tags: ['health'],
    summary: 'Whether the process turns over at all',
    description: 'Restart it when this does not answer.',
    security: [],
    responses: {
      200: {
        description: 'It does.',
        content: {
          'application/json': {
            schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', const: 'ok' } } },
            example: { status: 'ok' },
          },
        },
      },
      406: NOT_ACCEPTABLE,
    },
  },
  'GET /readyz': {
    operationId: 'readyz',
    tags: ['health'],
    summary: 'Whether orders can be accepted',
    description: 'Send nothing here while it says 503.',
    security: [],
    responses: {
      200: report('They can; `degraded` when something behind them waits, such as an unreachable broker.', 'ok'),
      406: NOT_ACCEPTABLE,
      503: report('They cannot, or the process is on its way out.', 'down'),
    },
  },
  'GET /metrics': {
    operationId: 'metrics',
    tags: ['health'],
    summary: 'The numbers of this process',
    description:
      'In the text format of Prometheus, 0.0.4. Needs the scope `metrics:read` or `ops`, which no customer has. Not there with `METRICS=off`.',
    security: [{ bearer: ['metrics:read'] }, { bearer: ['ops'] }],
    responses: {
      200: {
        description: 'All series; those read from a database are left out while it does not answer.',
        content: {
          'text/plain': {
            schema: { type: 'string' },
            example:
              '# HELP sanmon_broker_up 1 while messages can be sent to RabbitMQ.\n# TYPE sanmon_broker_up gauge\nsanmon_broker_up 1\n',
          },
        },
      },
      401: refusal('Unauthorized', 'unauthenticated'),
      403: refusal('Forbidden', 'missing-scope'),
      406: NOT_ACCEPTABLE,
    },
  },
};
