import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Failure } from '../../failure.js';
import { Undecodable, type Call } from '../admit.js';
import { callersRequestId } from '../request-id.js';

/** A gRPC request as admission takes it: the decoded message (or why there is none), the credential and the key. */
export function grpcCall(request: unknown, metadata: Metadata, call?: Waiting): Call {
  const authorization = single(metadata, 'authorization');
  const key = single(metadata, 'idempotency-key');
  const input = key instanceof Undecodable ? key : request;
  const requestId = callersRequestId(text(single(metadata, 'x-request-id')));
  const prefer = metadata.get('prefer').join(', ') || undefined;
  const traceparent = metadata.get('traceparent').join(', ') || undefined;
  const via = { gate: 'grpc' as const, requestId };
  const unwanted = call && (() => givenUp(call));
  return { authorization: text(authorization), key: text(key), prefer, traceparent, via, unwanted, input };
}

/** What of grpc-js's call tells whether somebody waits. */
type Waiting = Pick<ServerUnaryCall<unknown, unknown>, 'cancelled' | 'getDeadline'>;

/** The deadline first: at its end grpc-js closes the call, which looks like a caller who went away. */
function givenUp(call: Waiting): Failure | undefined {
  if (Number(call.getDeadline()) <= Date.now())
    return new Failure('deadline', 'deadline-exceeded', 'The deadline of this call passed before it was begun.');
  return call.cancelled
    ? new Failure('cancelled', 'caller-gone', 'The caller went away before this was begun.')
    : undefined;
}

const text = (value: string | Undecodable | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/**
 * The one value of a metadata entry. Node's HTTP/2 joins repeated headers with `, ` before anybody sees them,
 * so an unquoted comma followed by a space is a second value here; a key that needs one goes into quotes.
 */
function single(metadata: Metadata, name: string): string | Undecodable | undefined {
  const values = metadata.get(name).flatMap((value) => separate(String(value)));
  if (new Set(values).size <= 1) return values[0];
  return new Undecodable('was given more than once', name);
}

const separate = (value: string): string[] => (/^"(?:[^"\\]|\\.)*"$/.test(value) ? [value] : value.split(', '));

/** The call itself, for methods that write to a stream. */
export const GrpcCall = createParamDecorator((_: unknown, context: ExecutionContext): unknown =>
  context.getArgByIndex(2),
);
