// The parts of the AsyncAPI document that no registry knows: what is true of every message.

const text = (description: string, more: object = {}): object => ({ type: 'string', description, ...more });

/** What the document says of itself. */
export const DOCUMENT = {
  asyncapi: '3.0.0',
  info: {
    title: 'Sanmon over RabbitMQ and WebSocket',
    version: '1',
    description: [
      'Commands are published to the topic exchange `sanmon.commands`, the routing key names the command; events come from the topic exchange `sanmon.events`. Both are durable. Bind a queue of your own to `sanmon.events`; write to `sanmon.commands` only.',
      '**Bodies** are plain JSON without an envelope. Commands are also taken as CloudEvents (structured JSON, `application/cloudevents+json`, `type` = routing key), and `orders.place`, `orders.cancel` and `inventory.receive-stock` as Protobuf (`application/protobuf`, see `/proto`).',
      '**Properties of a command.** `message-id`: 1 to 255 printable characters, your protection against doing a thing twice. `reply-to` and `correlation-id`: you are answered there; `amq.rabbitmq.reply-to`, `amq.gen-*` and `reply.*` only. `type`, if any: the routing key.',
      '**Properties of an event.** `message-id` (`msg_` and a UUIDv7), `type` = routing key, `app-id` `sanmon`, `timestamp`, `correlation-id` = id of the order, or the sku; persistent. The headers are CloudEvents 1.0 in its AMQP binding.',
      '**Refusals.** What is invalid, unauthenticated or forbidden is parked, never dropped, and told to `reply-to`. Codes: `/docs/errors`.',
    ].join('\n\n'),
    license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
  },
  defaultContentType: 'application/json',
  servers: {
    rabbitmq: {
      host: 'rabbitmq:5672',
      protocol: 'amqp',
      protocolVersion: '0.9.1',
      description: 'Your broker: what `RABBITMQ_URL` names.',
    },
    live: {
      host: 'localhost:3000',
      protocol: 'ws',
      description:
        'The REST port of the product (`wss` behind TLS). The credential is the header `authorization`, or `?access_token=`.',
    },
  },
};

/** Headers of what the world sends. */
export const HEADERS = {
  type: 'object',
  properties: {
    authorization: text('`Bearer <api key or JWT>`; without it the publisher may do what AMQP_PUBLISHER_SCOPES says.'),
    'idempotency-key': text(
      'One key of one caller for one operation is one command, over all three gates. Else `message-id`.',
      {
        minLength: 1,
        maxLength: 257,
      },
    ),
    prefer: text(
      '`wait=N`: `orders.place` and `orders.get` are replied to when the order has ended, or after N seconds, 30 at most; then the reply has the header `preference-applied`.',
    ),
    traceparent: text('W3C Trace Context: the trace of every event and reply that this leads to.'),
  },
};

/** Headers of what the world hears: CloudEvents 1.0 and W3C Trace Context. */
export const EVENT_HEADERS = {
  type: 'object',
  required: [
    'cloudEvents_specversion',
    'cloudEvents_id',
    'cloudEvents_source',
    'cloudEvents_type',
    'cloudEvents_time',
    'cloudEvents_subject',
    'traceparent',
  ],
  properties: {
    cloudEvents_specversion: { type: 'string', const: '1.0' },
    cloudEvents_id: text('The same as `message-id`.'),
    cloudEvents_source: text('`/sanmon/<module>`; source and id together are unique.'),
    cloudEvents_type: text('The same as the routing key.'),
    cloudEvents_time: text('When it was written.', { format: 'date-time' }),
    cloudEvents_subject: text('The same as `correlation-id`.'),
    traceparent: text(
      'W3C Trace Context: the trace of the command that led to this; where there was none, events of one order are one trace.',
    ),
  },
};

/** Headers of replies. */
export const REPLY_HEADERS = {
  type: 'object',
  properties: {
    'idempotent-replayed': text('`true` when this is the first answer, given again.', { const: 'true' }),
    'preference-applied': text('The preference that was followed, e.g. `wait=10`.'),
    traceparent: text('W3C Trace Context: in the trace of the question; absent when that had none.'),
  },
};

/** What goes wrong on a WebSocket that is open; `orderId` where it is about one order. */
export const SOCKET_ERROR = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: text('Stable, and the same over all gates: `/docs/errors`.'),
        message: text('What is wrong, for people.'),
        orderId: text('The order that is not there, or not for this caller.'),
      },
    },
  },
};

/** A refusal, as a reply tells it. */
export const FAILURE = {
  type: 'object',
  description: 'A refusal; its code is in `/docs/errors`.',
  required: ['kind', 'code', 'message', 'details'],
  properties: {
    kind: text('What can be done about it.'),
    code: text('Stable, and the same over REST and gRPC.'),
    message: text('What is wrong, for people.'),
    details: {
      type: 'object',
      properties: {
        fields: {
          type: 'array',
          items: {
            type: 'object',
            required: ['field', 'message'],
            properties: { field: text('Its path, e.g. `lines[0].sku`.'), message: text('What is wrong with it.') },
          },
        },
        retryAfter: { type: 'number', description: 'Seconds.' },
      },
    },
  },
};

export const REPLY_ADDRESS = {
  description: 'The property `reply-to`. Without it nothing is answered.',
  location: '$message.header#/reply-to',
};

export const OPERATION_TRAITS = {
  command: {
    description: 'Carried out once for one idempotency key.',
    bindings: { amqp: { ack: true, bindingVersion: '0.3.0' } },
  },
  query: { description: 'Answered while somebody waits.', bindings: { amqp: { ack: true, bindingVersion: '0.3.0' } } },
  event: {
    description: 'Published at least once: tell copies by `message-id`.',
    bindings: { amqp: { deliveryMode: 2, mandatory: false, bindingVersion: '0.3.0' } },
  },
};
