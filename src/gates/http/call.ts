import type { Request, Response } from 'express';
import { Failure } from '../../failure.js';
import { Undecodable, type Call } from '../admit.js';
import { fromText } from '../field.js';
import { type OperationClass, operations } from '../operation.js';
import { isReserved } from '../safe-json.js';
import { queryPairs } from './query.js';
import { budgetTo } from './rate-headers.js';
import { requestIdOf } from './request-id.js';

/** What of a request makes a call; `body` is what the body middleware left. */
export type HttpRequest = Pick<Request, 'originalUrl' | 'rawHeaders'> & {
  params: object;
  body?: unknown;
  res?: Pick<Response, 'getHeader' | 'setHeader' | 'destroyed'>;
};

/** An HTTP request as admission takes it: one input out of path, query and body, the credential and the key. */
export function httpCall(type: OperationClass, request: HttpRequest): Call {
  const streams = operations().get(type)?.streams === true;
  const authorization = streams ? credentialOf(request) : joined(request, 'authorization');
  const prefer = joined(request, 'prefer');
  const traceparent = joined(request, 'traceparent');
  const [key, ...others] = header(request, 'idempotency-key');
  const input = others.length > 0 ? twice('idempotency-key') : inputOf(type, request, streams);
  const { res: response } = request;
  const via = { gate: 'rest' as const, requestId: response && requestIdOf(response) };
  const unwanted = () => (response?.destroyed ? gone() : undefined);
  return { authorization, key, prefer, traceparent, via, budget: response && budgetTo(response), unwanted, input };
}

/** Nobody reads it; it is what logs and numbers say. HTTP has no deadline of its own: who gives up goes away. */
const gone = (): Failure => new Failure('cancelled', 'caller-gone', 'The caller went away before this was begun.');

/**
 * The credential of a request for a stream: the header, or `?access_token=` (RFC 6750, 2.3), because browsers can set no
 * header on streams. Given twice it is no credential anybody knows, so joining the two is refusing them.
 */
export function credentialOf(request: Pick<HttpRequest, 'originalUrl' | 'rawHeaders'>): string | undefined {
  const tokens = (queryPairs(request.originalUrl) ?? []).filter(([name]) => name === ACCESS_TOKEN);
  return [...header(request, 'authorization'), ...tokens.map(([, token]) => `Bearer ${token}`)].join(', ') || undefined;
}

const ACCESS_TOKEN = 'access_token';

const joined = (request: HttpRequest, name: string): string | undefined =>
  header(request, name).join(', ') || undefined;

/** The different values of a header. Node keeps the first `authorization` and joins keys, so it is read from the raw list. */
function header({ rawHeaders }: Pick<HttpRequest, 'rawHeaders'>, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== name.length || rawHeaders[i]!.toLowerCase() !== name) continue;
    if (!values.includes(rawHeaders[i + 1]!)) values.push(rawHeaders[i + 1]!);
  }
  return values;
}

function inputOf(type: OperationClass, request: HttpRequest, streams: boolean): unknown {
  const { originalUrl, params, body = {} } = request;
  if (body instanceof Undecodable) return body;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return new Undecodable('must be an object', 'body', 'invalid');
  const query = queryPairs(originalUrl);
  if (!query) return new Undecodable('is not percent-encoded UTF-8', 'query');
  const texts = [...Object.entries(params as Record<string, string>), ...(streams ? resumed(request, query) : query)];
  if (texts.length === 0) return body;
  return merged(type, texts, body);
}

/** What a stream is asked with: no credential, and the last event's id rather than the cursor of the first call. */
function resumed(request: HttpRequest, query: [string, string][]): [string, string][] {
  const rest = query.filter(([name]) => name !== ACCESS_TOKEN);
  const last = joined(request, 'last-event-id');
  return last === undefined ? rest : [...rest.filter(([name]) => name !== 'cursor'), ['cursor', last]];
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
