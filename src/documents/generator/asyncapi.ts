import protobuf from 'protobufjs';
import { MODULES } from '../../config/settings.js';
import { DESK, routingKeyAt, sortedKeys } from '../../gates/amqp/routing.js';
import { schema } from '../../gates/grpc/schema.js';
import { type MessageClass, messageClasses, type MessageTraits, moduleOf } from '../../messaging/contract.js';
import { EXCHANGES, queuesOf } from '../../messaging/broker/topology.js';
import {
  DOCUMENT,
  EVENT_HEADERS,
  FAILURE,
  HEADERS,
  OPERATION_TRAITS,
  REPLY_ADDRESS,
  REPLY_HEADERS,
  SOCKET_ERROR,
} from './asyncapi.fixed.js';
import { TRACK_ORDERS, TrackOrders } from '../../orders/live/track-orders.js';
import { Examples } from './examples.js';
import { AnswerSchemas, inJson, type JsonSchema, schemaOfClass } from './json-schema.js';
import { requestType, responseType, saidOf } from './rpc.js';
import { modulesHeardBy, type Surface } from './surface.js';

type Named<T = object> = Record<string, T>;

/** AsyncAPI 3 of the RabbitMQ gate and the WebSocket: what may be sent, what is heard and answered, and the queues. */
export function asyncApi(surface: Surface[]) {
  const schemas = new AnswerSchemas();
  const parts: Parts = {
    schemas,
    examples: new Examples(schemas.named),
    inputs: {},
    channels: {},
    operations: {},
    messages: {},
  };
  for (const of of surface) if (of.amqp) addAsked(of, parts);
  for (const [type, traits] of messageClasses()) if (traits.published) addEvent(type, traits, parts);
  for (const module of MODULES) addQueues(module, parts);
  addSocket(parts);
  return {
    ...DOCUMENT,
    channels: parts.channels,
    operations: parts.operations,
    components: {
      messages: parts.messages,
      schemas: { ...sorted({ ...schemas.named, ...parts.inputs }), Failure: FAILURE },
      operationTraits: OPERATION_TRAITS,
    },
  };
}

interface Parts {
  schemas: AnswerSchemas;
  examples: Examples;
  inputs: Record<string, JsonSchema>;
  channels: Named;
  operations: Named;
  messages: Named;
}

/** A command or query of the world, and its reply. */
function addAsked(of: Surface, { schemas, examples, inputs, channels, operations, messages }: Parts): void {
  const { name, scope, kind } = of.traits;
  const input = schemaOfClass(of.type, requestType(of));
  inputs[of.type.name] = input;
  const { summary, description } = saidOf(of);
  messages[name] = {
    name,
    title: of.type.name,
    summary,
    ...(description && { description: inJson(description) }),
    contentType: 'application/json',
    headers: HEADERS,
    payload: { $ref: `#/components/schemas/${of.type.name}` },
    correlationId: { location: '$message.header#/correlation-id' },
    bindings: { amqp: { messageType: name, bindingVersion: VERSION } },
    examples: [{ payload: examples.of(input) }],
  };
  messages[`${name}.reply`] = reply(of, schemas.refer(responseType(of)), examples);
  channels[name] = moduleOf(name) === DESK ? deskChannel(name) : channel(name, EXCHANGES.commands, [name]);
  channels[`${name}.reply`] = {
    address: null,
    servers: BROKER,
    description: 'The queue that `reply-to` names.',
    messages: { [`${name}.reply`]: { $ref: `#/components/messages/${name}.reply` } },
  };
  operations[name] = {
    action: 'receive',
    channel: { $ref: `#/channels/${name}` },
    summary,
    description: `Needs the scope \`${scope}\`. A ${kind}${kind === 'query' ? ': nothing changes' : ''}.`,
    tags: [{ name: moduleOf(name) }],
    traits: [{ $ref: `#/components/operationTraits/${kind}` }],
    reply: { address: REPLY_ADDRESS, channel: { $ref: `#/channels/${name}.reply` } },
  };
}

const reply = ({ type, traits }: Surface, result: JsonSchema, examples: Examples): object => ({
  name: `${traits.name}.reply`,
  title: `Reply to ${type.name}`,
  contentType: 'application/json',
  headers: REPLY_HEADERS,
  payload: {
    oneOf: [
      { type: 'object', required: ['result'], properties: { result } },
      { type: 'object', required: ['failure'], properties: { failure: { $ref: '#/components/schemas/Failure' } } },
    ],
  },
  correlationId: { location: '$message.header#/correlation-id' },
  examples: [{ payload: { result: examples.answerOf(traits.name, result) } }],
});

/** The world's copy of something that happened. */
function addEvent(type: MessageClass, { type: name }: MessageTraits, parts: Parts): void {
  const { schemas, examples, inputs, channels, operations, messages } = parts;
  // Events carry a class of the contract as it is: OrderPlaced extends Order.
  const carried = Object.getPrototypeOf(type) as MessageClass;
  const body = carried.name ? carried : type;
  const described = schema().lookup(`sanmon.${moduleOf(name)}.v1.${body.name}`);
  const payload =
    described instanceof protobuf.Type ? schemas.refer(described) : { $ref: `#/components/schemas/${body.name}` };
  if (!(described instanceof protobuf.Type)) inputs[body.name] = schemaOfClass(body);
  messages[name] = {
    name,
    title: type.name,
    contentType: 'application/json',
    headers: EVENT_HEADERS,
    payload,
    correlationId: { location: '$message.header#/correlation-id' },
    bindings: { amqp: { messageType: name, bindingVersion: VERSION } },
    examples: [{ payload: examples.of(described instanceof protobuf.Type ? payload : inputs[body.name]!) }],
  };
  channels[name] = channel(name, EXCHANGES.events, [name]);
  operations[name] = {
    action: 'send',
    channel: { $ref: `#/channels/${name}` },
    tags: [{ name: moduleOf(name) }],
    traits: [{ $ref: '#/components/operationTraits/event' }],
  };
}

/** Many orders live over a WebSocket: one channel, requests in, updates and errors out. */
function addSocket({ schemas, examples, inputs, channels, operations, messages }: Parts): void {
  const { name, scope } = TRACK_ORDERS;
  inputs['TrackOrders'] = schemaOfClass(TrackOrders);
  const update = schemas.refer(schema().lookupType('sanmon.orders.v1.OrderUpdate'));
  const socket = { orders: name, updates: 'orders.update', errors: 'orders.live-error' };
  messages[socket.orders] = {
    ...{ name, title: 'TrackOrders', summary: 'Follows orders, and stops following them' },
    contentType: 'application/json',
    payload: { $ref: '#/components/schemas/TrackOrders' },
    examples: [{ payload: { track: [examples.of({ type: 'string' }, 'orderId')] } }],
  };
  messages[socket.updates] = {
    ...{ name: socket.updates, title: 'OrderUpdate', contentType: 'application/json', payload: update },
    examples: [{ payload: examples.of(update) }],
  };
  messages[socket.errors] = {
    ...{ name: socket.errors, title: 'What is wrong', contentType: 'application/json', payload: SOCKET_ERROR },
    examples: [{ payload: { error: { code: 'invalid', message: 'track: must be a list' } } }],
  };
  channels['live'] = {
    address: '/v1/live',
    servers: [{ $ref: '#/servers/live' }],
    description:
      'A WebSocket of texts. 401 and 403 on the upgrade; closed with 4401 (the credential ended), 4403 (its scope did), 1013 (too slow: come back with the last cursor), 1012 (this process closes).',
    messages: Object.fromEntries(Object.values(socket).map((one) => [one, { $ref: `#/components/messages/${one}` }])),
    bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
  };
  const of = (one: string): object => ({
    channel: { $ref: '#/channels/live' },
    messages: [{ $ref: `#/channels/live/messages/${one}` }],
    tags: [{ name: 'orders' }],
  });
  operations[name] = {
    action: 'receive',
    ...of(name),
    description: `Over the WebSocket \`/v1/live\`. Needs the scope \`${scope}\`.`,
  };
  for (const one of [socket.updates, socket.errors])
    operations[one] = { action: 'send', ...of(one), description: 'Over the WebSocket `/v1/live`.' };
}

/** What is declared on the broker; only the commands' queue of a module takes what the world sends. */
function addQueues(module: string, { channels }: Parts): void {
  for (const { name, arguments: set, bindings } of queuesOf(module, modulesHeardBy(module), sortedKeys(module))) {
    channels[`queue ${name}`] = {
      address: name,
      servers: BROKER,
      description: bindings.map(({ exchange, key }) => `Bound to \`${exchange}\` with \`${key}\`.`).join(' '),
      bindings: {
        amqp: {
          is: 'queue',
          queue: { name, durable: true, exclusive: false, autoDelete: false, vhost: '/' },
          bindingVersion: VERSION,
        },
      },
      'x-arguments': set,
    };
  }
}

const VERSION = '0.3.0';
const BROKER = [{ $ref: '#/servers/rabbitmq' }];

const channel = (address: string, exchange: string, messages: string[]): object => ({
  address,
  servers: BROKER,
  messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  bindings: {
    amqp: {
      is: 'routingKey',
      exchange: { name: exchange, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
      bindingVersion: VERSION,
    },
  },
});

/** The repair desk stands in every process: the routing key says at which module's. */
const deskChannel = (name: string): object => ({
  ...channel(routingKeyAt('{module}', name)!, EXCHANGES.commands, [name]),
  parameters: { module: { enum: MODULES, description: 'Whose messages.' } },
});

const sorted = <T>(of: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
