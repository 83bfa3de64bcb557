import { LARGEST_KEPT } from '../../messaging/cut.js';
import type { Delivery } from '../../messaging/broker/broker.js';
import { UNREADABLE } from '../../messaging/broker/header-tables.js';
import { traceOf } from '../../messaging/trace.js';
import type { Scope } from '../../access/principal.js';
import { invalid } from '../../failure.js';
import { type Call, Undecodable } from '../admit.js';
import { decodeInput, protoCodec } from '../grpc/codec.js';
import { parsedJson } from '../json.js';
import { type OperationClass, operationOf } from '../operation.js';
import { nameOfKey, operationCalled } from './routing.js';
import { callersRequestId } from '../request-id.js';

const MAX_HEADERS = 8 * 1024;
/** Where an answer may go: never a queue of ours, which would make us a confused deputy. */
const REPLY_TO = /^(amq\.rabbitmq\.reply-to(\..*)?|amq\.gen-.*|reply\..*)$/;
const MESSAGE_ID = /^[ -~]{1,255}$/;

/** A command or query from the world, as it lay in the queue. */
export interface Letter {
  /** The name of the operation, which the routing key gives; the routing key when it gives none. */
  type: string;
  operation?: OperationClass;
  call: Call;
  content: Buffer;
  cut?: Delivery['cut'];
  /** Without the credential, which is judged once and never stored. */
  headers: Record<string, unknown>;
  replyTo?: string;
  correlationId?: string;
  /** The `traceparent` it came with, if that is one. */
  trace?: string;
  /** When it came, by `performance.now()`. */
  since: number;
}

/** Reads a delivery. What is wrong with it stands in `call.input` as {@link Undecodable}; this never throws. */
export function readLetter(module: string, { message, cut }: Delivery, publisherScopes: readonly Scope[]): Letter {
  const { content, fields, properties } = message;
  const { authorization, ...headers } = (properties.headers ?? {}) as Record<string, unknown>;
  const name = nameOfKey(module, fields.routingKey);
  const operation = name === undefined ? undefined : operationCalled(name);
  const replyTo = properties.replyTo as string | undefined;
  const messageId = properties.messageId as string | undefined;
  return {
    type: operation ? name! : fields.routingKey,
    operation,
    content,
    cut,
    headers: { ...headers, ...kept(properties as unknown as Record<string, unknown>) },
    replyTo: allowedReplyTo(replyTo),
    correlationId: properties.correlationId as string | undefined,
    trace: traceOf(headers['traceparent']),
    since: performance.now(),
    call: {
      authorization: typeof authorization === 'string' ? authorization : authorization === undefined ? undefined : '',
      otherwise: { name: `amqp:${(properties.userId as string | undefined) ?? 'publisher'}`, scopes: publisherScopes },
      key: idempotencyHeader(headers['idempotency-key']) ?? messageId,
      keyIsMessageId: headers['idempotency-key'] === undefined && messageId !== undefined,
      prefer: typeof headers['prefer'] === 'string' ? headers['prefer'] : undefined,
      traceparent: headers['traceparent'],
      via: { gate: 'amqp', requestId: callersRequestId(messageId) },
      input: operation
        ? cut
          ? tooLarge
          : decoded(operation, message, messageId, replyTo)
        : new Undecodable('', 'routingKey', 'unknown-type'),
    },
  };
}

const tooLarge = new Undecodable(`must not be larger than ${LARGEST_KEPT} bytes`, 'body', 'body-too-large');

/** One that is no text is refused like an empty one: its sender believes to be protected by it. */
const idempotencyHeader = (value: unknown): string | undefined =>
  typeof value === 'string' || value === undefined ? value : '';

const kept = ({
  messageId,
  contentType,
  type,
  appId,
  correlationId,
  replyTo,
  userId,
}: Record<string, unknown>): object =>
  JSON.parse(JSON.stringify({ messageId, contentType, type, appId, correlationId, replyTo, userId })) as object;

function decoded(
  operation: OperationClass,
  { content, fields, properties }: Delivery['message'],
  messageId?: string,
  replyTo?: string,
): unknown {
  const { name } = operationOf(operation);
  if (UNREADABLE in (properties.headers ?? {}))
    return new Undecodable('are nested too deeply or malformed', 'headers', 'headers-unreadable');
  if (JSON.stringify(properties.headers ?? {}).length > MAX_HEADERS)
    return new Undecodable(`must not be larger than ${MAX_HEADERS} bytes`, 'headers', 'headers-too-large');
  if (messageId !== undefined && !MESSAGE_ID.test(messageId))
    return new Undecodable('must be 1 to 255 printable characters', 'message-id', 'invalid-message-id');
  if (replyTo !== undefined && !REPLY_TO.test(replyTo))
    return new Undecodable('must be amq.rabbitmq.reply-to, amq.gen-* or reply.*', 'reply-to', 'reply-to-not-allowed');
  const encoding = properties.contentEncoding as string | undefined;
  if (encoding && !/^(identity|utf-?8)$/i.test(encoding))
    return new Undecodable(
      `${encoding} is not understood; send the body as it is`,
      'content-encoding',
      'unsupported-media-type',
    );
  const type = properties.type as string | undefined;
  const protoName = requestName(operation, name);
  if (type && type !== fields.routingKey && type !== protoName)
    return new Undecodable(`must be ${fields.routingKey}, as the routing key is`, 'type');
  return decodeBody(content, (properties.contentType as string | undefined) ?? 'application/json', name, protoName);
}

/** The Protobuf message of an operation: `sanmon.orders.v1.PlaceOrderRequest`. */
const requestName = (operation: OperationClass, name: string): string =>
  `sanmon.${name.slice(0, name.indexOf('.'))}.v1.${operation.name}Request`;

const PROTOBUF = ['orders.place', 'orders.cancel', 'inventory.receive-stock'];

/** The input that a body is, read once more: for a stored command that an operator puts back. Never throws. */
export function readBody(operation: OperationClass, content: Buffer, contentType = 'application/json'): unknown {
  const { name } = operationOf(operation);
  return decodeBody(content, contentType, name, requestName(operation, name));
}

/** A queue that may be answered to, or undefined. */
export const allowedReplyTo = (replyTo: unknown): string | undefined =>
  typeof replyTo === 'string' && REPLY_TO.test(replyTo) ? replyTo : undefined;

function decodeBody(content: Buffer, contentType: string, name: string, protoName: string): unknown {
  const media = contentType.split(';')[0]!.trim().toLowerCase();
  try {
    if (media === 'application/json') return parsedJson(content);
    if (media === 'application/cloudevents+json') return cloudEvent(parsedJson(content), name);
    if (media === 'application/protobuf' && PROTOBUF.includes(name)) return decodeInput(protoCodec(protoName), content);
  } catch (error) {
    return new Undecodable((error as Error).message);
  }
  return new Undecodable(`${media} is not understood for ${name}`, 'content-type', 'unsupported-media-type');
}

/** CloudEvents, structured JSON: the command is `data`, and `type` must be the routing key. */
function cloudEvent(event: unknown, name: string): unknown {
  if (event instanceof Undecodable) return event;
  const { specversion, type, data } = (event ?? {}) as Record<string, unknown>;
  if (specversion !== '1.0') throw new Error('is not a CloudEvent of specversion 1.0');
  if (type !== name) throw new Error(`the CloudEvent's type must be ${name}, as the routing key is`);
  return data;
}

/** Refuses a routing key that names no command. */
export const unknownCommand = (type: string) =>
  invalid([{ field: 'routingKey', message: `${type} names no command` }], 'unknown-type');

/** The name of the operation that is asked for, if there is one; never what a publisher made up. */
export const operationNameOf = ({ operation }: Letter): string | undefined => operation && operationOf(operation).name;
