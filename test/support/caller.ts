import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { Options } from 'amqplib';
import type protobuf from 'protobufjs';
import { googleRpc } from '../../src/gates/grpc/google-rpc.js';
import { schema } from '../../src/gates/grpc/schema.js';
import { type TestHouse, KEY } from './house.js';
import type { Gate, Json } from './shop.js';
import { type Surface, surface } from '../../src/documents/generator/surface.js';
import { asJson, asWritten } from './wire-json.js';

/** What a gate said, in one form for all three. */
export interface Said {
  /** `ok`, or the stable code of the refusal. */
  code: string;
  /** HTTP's status, gRPC's name of it, or the kind of the fault over AMQP. */
  status: string;
  /** The sentence of the refusal. */
  message?: string;
  /** The result as REST shows it. */
  result?: Json;
  replayed: boolean;
  /** Exactly what came over the wire. */
  raw: string;
}

export interface How {
  /** The idempotency key. */
  key?: string;
  /** The secret of an API key; null shows no credential at all. The one that may do everything when left out. */
  secret?: string | null;
  /** The trace that the caller is in. */
  traceparent?: string;
  /** The caller goes away when it fires; its call is then rejected or `CANCELLED`. */
  signal?: AbortSignal;
  /** How long it waits at most, in milliseconds; over gRPC alone, and told to the server. */
  within?: number;
}

/** Calls any operation over any gate, so that a test can be written once for all of them. */
export class Caller {
  private readonly operations = new Map<string, Surface>(surface().map((s) => [s.traits.name, s]));
  private readonly clients = new Map<string, Client>();

  constructor(private readonly house: TestHouse) {}

  /** Calls an operation by its name, with the input as any client would write it. */
  call(gate: Gate, operation: string, input: object, how: How = {}): Promise<Said> {
    const { key, secret = KEY, traceparent } = how;
    const of = this.operations.get(operation)!;
    const headers: Record<string, string> = {
      ...(secret !== null && { authorization: `Bearer ${secret}` }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(traceparent !== undefined && { traceparent }),
    };
    if (gate === 'rest') return this.overRest(of, input, headers, how);
    if (gate === 'grpc') {
      const request = requestType(of);
      // As protobufjs writes it for any client: int64 may be given as text, which knows all 64 bits.
      const bytes = Buffer.from(request.encode(request.fromObject(asWritten(request, input))).finish());
      return this.rpc(of, bytes, headers, { ...how, module: moduleAsked(operation, input) });
    }
    return this.letter(routingKeyOf(operation, input), input, { headers: { authorization: undefined, ...headers } });
  }

  /** Sends these bytes to a path of the REST gate, with these headers and no others. */
  async http(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = bearer,
    { signal }: How = {},
  ) {
    const json = body === undefined ? undefined : { 'content-type': 'application/json' };
    const response = await fetch(this.house.rest.originOf(path) + path, {
      method,
      headers: { ...json, ...headers },
      body: body as string | undefined,
      signal,
    });
    const raw = await response.text();
    const result = raw ? JSON.parse(raw) : undefined;
    const { headers: received, ok } = response;
    const said: Said = {
      code: ok ? 'ok' : result.code,
      message: ok ? undefined : result.detail,
      status: String(response.status),
      result,
      replayed: received.get('idempotent-replayed') === 'true',
      raw,
    };
    return { ...said, headers: received };
  }

  /** Sends these bytes as the request of an operation. */
  async rpc(
    of: Surface | string,
    bytes: Buffer,
    headers: Record<string, string> = bearer,
    { signal, within, module }: How & { module?: string } = {},
  ): Promise<Said> {
    const operation = typeof of === 'string' ? this.operations.get(of)! : of;
    const client = this.clientOf(module ?? moduleAsked(operation.traits.name));
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    let replayed = false;
    try {
      const answer = await new Promise<Buffer>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          `/${packageOf(operation)}.${operation.grpc[0]!.service}/${operation.grpc[0]!.rpc}`,
          (request: Buffer) => request,
          (response: Buffer) => response,
          bytes,
          metadata,
          within === undefined ? {} : { deadline: Date.now() + within },
          (error, response) => (error ? reject(error) : setImmediate(() => resolve(response!))),
        );
        signal?.addEventListener('abort', () => call.cancel());
        call.on('metadata', (received) => (replayed = received.get('idempotent-replayed')[0] === 'true'));
      });
      const type = responseType(operation);
      return { code: 'ok', status: 'OK', result: asJson(type, answer), replayed, raw: answer.toString('base64') };
    } catch (error) {
      const { code, details: message, metadata: trailers } = error as ServiceError;
      const details = trailers.get('grpc-status-details-bin')[0] as Buffer | undefined;
      replayed ||= trailers.get('idempotent-replayed')[0] === 'true';
      return { code: codeOf(details), status: status[code], message, replayed, raw: details?.toString('base64') ?? '' };
    }
  }

  /** Publishes a command and waits for what is replied. */
  async letter(routingKey: string, body: unknown, properties: Options.Publish = {}): Promise<Said> {
    const { body: said, headers } = await this.house.amqp!.ask(routingKey, body, properties);
    const replayed = headers['idempotent-replayed'] === 'true';
    const raw = JSON.stringify(said);
    const { failure } = said;
    if (failure) return { code: failure.code, status: failure.kind, message: failure.message, replayed, raw };
    return { code: 'ok', status: 'ok', result: said.result, replayed, raw };
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
  }

  private clientOf(module: string): Client {
    const address = this.house.grpcAddressOf(module);
    let client = this.clients.get(address);
    if (!client) this.clients.set(address, (client = new Client(address, credentials.createInsecure())));
    return client;
  }

  private async overRest(of: Surface, input: object, headers: Record<string, string>, how: How): Promise<Said> {
    const { method, path } = of.rest[0]!;
    const left = new Map(Object.entries(input));
    const filled = path.replace(/:(\w+)/g, (_, name: string) => {
      const value = String(left.get(name) ?? 'x');
      left.delete(name);
      return encodeURIComponent(value);
    });
    const rest = Object.fromEntries(left);
    if (method !== 'GET') return this.http(method, filled, JSON.stringify(rest), headers, how);
    const query = new URLSearchParams(rest as Record<string, string>).toString();
    return this.http(method, query ? `${filled}?${query}` : filled, undefined, headers, how);
  }
}

type NamesModule = { module?: string; filter?: { module?: string } };

/** The repair desk stands in every process: it is asked at one module's, by a name in the input, else at that of orders. */
const moduleAsked = (operation: string, input: NamesModule = {}): string =>
  operation.startsWith('ops.') ? (input.module ?? input.filter?.module ?? 'orders') : operation.split('.')[0]!;

const routingKeyOf = (operation: string, input: NamesModule): string =>
  operation.replace(/^ops\./, `ops.${moduleAsked(operation, input)}.`);

/** The credential that may do everything, for calls that are put together by hand. */
export const bearer = { authorization: `Bearer ${KEY}` };

const packageOf = ({ traits }: Surface): string => `sanmon.${traits.name.split('.')[0]!}.v1`;

const rpcOf = (of: Surface): protobuf.Method =>
  schema().lookupService(`${packageOf(of)}.${of.grpc[0]!.service}`).methods[of.grpc[0]!.rpc]!;

/** The request message of an operation. */
export const requestType = (of: Surface): protobuf.Type => rpcOf(of).resolvedRequestType!;

/** The response message of an operation. */
export const responseType = (of: Surface): protobuf.Type => rpcOf(of).resolvedResponseType!;

/** Our stable code, out of google.rpc.Status; empty when grpc-js refused by itself. */
export function codeOf(details?: Buffer): string {
  if (!details) return '';
  const { details: all } = googleRpc('Status').decode(details) as unknown as {
    details: { typeUrl: string; value: Uint8Array }[];
  };
  const info = all.find(({ typeUrl }) => typeUrl.endsWith('ErrorInfo'))!;
  return (googleRpc('ErrorInfo').decode(info.value) as unknown as { metadata: { code: string } }).metadata.code;
}
