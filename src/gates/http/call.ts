import type { Request } from 'express';
import { Undecodable, type Call } from '../admit.js';
import { fromText } from '../field.js';
import type { OperationClass } from '../operation.js';
import { isReserved } from '../safe-json.js';
import { queryPairs } from './query.js';

/** What of a request makes a call; `body` is what the body middleware left. */
export type HttpRequest = Pick<Request, 'originalUrl' | 'rawHeaders'> & { params: object; body?: unknown };

/** An HTTP request as admission takes it: one input out of path, query and body, the credential and the key. */
export function httpCall(type: OperationClass, request: HttpRequest): Call {
  // A credential given twice is no credential anybody knows, so joining the two is refusing them.
  const authorization = header(request, 'authorization').join(', ') || undefined;
  const [key, ...others] = header(request, 'idempotency-key');
  const input = others.length > 0 ? twice('idempotency-key') : inputOf(type, request);
  return { authorization, key, input };
}

/** The different values of a header. Node keeps the first `authorization` and joins keys, so it is read from the raw list. */
function header({ rawHeaders }: HttpRequest, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== name.length || rawHeaders[i]!.toLowerCase() !== name) continue;
    if (!values.includes(rawHeaders[i + 1]!)) values.push(rawHeaders[i + 1]!);
  }
  return values;
}

function inputOf(type: OperationClass, { originalUrl, params, body = {} }: HttpRequest): unknown {
  if (body instanceof Undecodable) return body;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return new Undecodable('must be an object', 'body', 'invalid');
  const query = queryPairs(originalUrl);
  if (!query) return new Undecodable('is not percent-encoded UTF-8', 'query');
  const texts = [...Object.entries(params as Record<string, string>), ...query];
  if (texts.length === 0) return body;
  return merged(type, texts, body);
}

function merged(type: OperationClass, texts: [string, string][], body: object): object {
  const input: Record<string, unknown> = {};
  for (const [name, text] of texts) {
    if (isReserved(name)) return reserved(name);
    if (Object.hasOwn(input, name)) return twice(name);
    input[name] = fromText(type, name, text);
  }
  for (const [name, value] of Object.entries(body)) {
    // Written before anybody looked at it: `__proto__` out of JSON would become the prototype here.
    if (isReserved(name)) return reserved(name);
    if (Object.hasOwn(input, name)) return twice(name);
    input[name] = value;
  }
  return input;
}

/** Refused here with the words of `assertSafe`, which looks at the whole input. */
const reserved = (field: string): Undecodable => new Undecodable('is a reserved name', field, 'invalid');

const twice = (field: string): Undecodable => new Undecodable('was given more than once', field);
