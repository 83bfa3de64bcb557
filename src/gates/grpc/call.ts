import type { Metadata } from '@grpc/grpc-js';
import { Undecodable, type Call } from '../admit.js';

/** A gRPC request as admission takes it: the decoded message (or why there is none), the credential and the key. */
export function grpcCall(request: unknown, metadata: Metadata): Call {
  const authorization = single(metadata, 'authorization');
  const key = single(metadata, 'idempotency-key');
  return { authorization: text(authorization), key: text(key), input: key instanceof Undecodable ? key : request };
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
