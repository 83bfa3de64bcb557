import { LARGEST_KEPT } from '../../messaging/cut.js';
import type { Delivery } from '../../messaging/broker.js';
import type { Scope } from '../../access/principal.js';
import { invalid } from '../../failure.js';
import { type Call, Undecodable } from '../admit.js';
import { decodeInput, protoCodec } from '../grpc/codec.js';
import { parsedJson } from '../json.js';
import { type OperationClass, operationOf, operations } from '../operation.js';

const MAX_HEADERS = 8 * 1024;
/** Where an answer may go: never a queue of ours, which would make us a confused deputy. */
const REPLY_TO = /^(amq\.rabbitmq\.reply-to(\..*)?|amq\.gen-.*|reply\..*)$/;
const MESSAGE_ID = /^[ -~]{1,255}$/;

/** A command from the world, as it lay in the queue. */
export interface Letter {
  /** The routing key: it names the command. */
  type: string;
  operation?: OperationClass;
  call: Call;
  content: Buffer;
  cut?: Delivery['cut'];
  /** Without the credential, which is judged once and never stored. */
  headers: Record<string, unknown>;
  replyTo?: string;
  correlationId?: string;
}

/** Reads a delivery. What is wrong with it stands in `call.input` as {@link Undecodable}; this never throws. */
export function readLetter({ message, cut }: Delivery, publisherScopes: readonly Scope[]): Letter {
  const { content, fields, properties } = message;
  const { authorization, ...headers } = (properties.headers ?? {}) as Record<string, unknown>;
  const type = fields.routingKey;
  const operation = operationNamed(type);
  const replyTo = properties.replyTo as string | undefined;
  const messageId = properties.messageId as string | undefined;
  return {
    type,
    operation,
    content,
    cut,
    headers: { ...headers, ...kept(properties as unknown as Record<string, unknown>) },
    replyTo: allowedReplyTo(replyTo),
    correlationId: properties.correlationId as string | undefined,
    call: {
      authorization: typeof authorization === 'string' ? authorization : authorization === undefined ? undefined : '',
      otherwise: { name: `amqp:${(properties.userId as string | undefined) ?? 'publisher'}`, scopes: publisherScopes },
      key: textHeader(headers['idempotency-key']) ?? messageId,
      input: operation
        ? cut
          ? tooLarge
          : decoded(operation, message, messageId, replyTo)
        : new Undecodable('', 'routingKey', 'unknown-type'),
    },
  };
}

const tooLarge = new Undecodable(`must not be larger than ${LARGEST_KEPT} bytes`, 'body', 'body-too-large');

const textHeader = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

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

/** The operation a routing key names, if it is a command; queries have a queue of their own. */
export function operationNamed(name: string): OperationClass | undefined {
  for (const [type, traits] of operations()) if (traits.name === name && traits.kind === 'command') return type;
  return undefined;
}

function decoded(
  operation: OperationClass,
  { content, properties }: Delivery['message'],
  messageId?: string,
  replyTo?: string,
): unknown {
  const { name } = operationOf(operation);
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
  if (type && type !== name && type !== protoName)
    return new Undecodable(`must be ${name}, as the routing key is`, 'type');
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
